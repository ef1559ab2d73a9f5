"""What a judge's script would say about a folder of masks: which are missing, extra or of the wrong form."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from infer.settings import UsageError
from train_offline.folder import Pair


def scene_size(pair: Pair) -> tuple[int, int]:
    """(height, width) in pixels that the mask of a scene must have.

    From the scene's own header, read by another library than the job uses; from its true mask where the scene
    is too broken for that. Raises UsageError when neither can be read.
    """
    for path in (pair.image, pair.label):
        try:
            with _open(path) as image:
                return image.height, image.width
        except Exception:  # Pillow raises whatever its plugins do; the next source is tried
            continue
    raise UsageError(f"{pair.image}: neither it nor {pair.label} says how large the scene is")


def audit_masks(sizes: dict[str, tuple[int, int]], folder: Path) -> list[str]:
    """Complaints about a folder of masks, one line each; none when it holds exactly what the contract says.

    Args:
        sizes: (height, width) of every scene by its stem; `a.b` must have the mask `a.b.png`.
        folder: what the job wrote. Anything in it beside the masks is a complaint too.
    """
    wanted = {f"{stem}.png": size for stem, size in sizes.items()}
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    complaints = [f"{name}: missing" for name in sorted(wanted.keys() - found)]
    complaints += [f"{name}: should not be there" for name in sorted(found - wanted.keys())]
    for name in sorted(wanted.keys() & found):
        complaint = mask_complaint(folder / name, wanted[name])
        if complaint:
            complaints.append(f"{name}: {complaint}")
    return complaints


def mask_complaint(path: Path, size: tuple[int, int]) -> str | None:
    """What is wrong with a mask that must be an 8-bit grey PNG of (height, width) holding 0 and 255 only."""
    try:
        with _open(path) as image:
            if image.format != "PNG":
                return f"is a {image.format} file, not PNG"
            if image.mode != "L":  # 1 bit is "1", 16 bit "I;16", a palette "P", colour "RGB"
                return f"has pixels of mode {image.mode}, not 8-bit grey (L)"
            if (image.height, image.width) != size:
                return f"is {image.width}x{image.height} pixels, its scene is {size[1]}x{size[0]}"
            pixels = np.asarray(image)
    except Exception as error:  # a damaged file fails in many ways; each of them is the finding
        return f"cannot be read ({error or type(error).__name__})"
    odd = pixels[(pixels != 0) & (pixels != 255)]
    if odd.size:
        return f"holds the value {odd[0]} in one of {odd.size} wrong pixels; only 0 and 255 are allowed"
    return None


def _open(path: Path) -> Image.Image:
    """Open without Pillow's warning about large images: 10,000 x 10,000 is a legal scene."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(path)
