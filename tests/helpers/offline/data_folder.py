"""Data folders as the challenge ships them, made for a test."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import tifffile

from train_offline.data.folder import LabelledScene

PARTS = ("image", "gt", "ignore")


def noise(seed: int, *shape: int) -> np.ndarray:
    """uint8 of a shape, 1 to 255."""
    return np.random.default_rng(seed).integers(1, 256, shape, dtype=np.uint8)


def write_mask(path: Path, mask: np.ndarray) -> None:
    """A mask, uint8 [H, W] (or of a form that is wrong), as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), mask)


def write_labelled(
    folder: Path,
    name: str,
    image: np.ndarray,
    mask: np.ndarray,
    ignore: np.ndarray | None = None,
    suffix: str = ".tif",
    **form: object,
) -> None:
    """A scene with its masks, uint8 [H, W], 0 or 255; form: of the TIFF, as tifffile has it."""
    for part in PARTS:
        (folder / part).mkdir(parents=True, exist_ok=True)
    form.setdefault("photometric", "minisblack" if image.ndim == 2 else "rgb")
    tifffile.imwrite(folder / "image" / f"{name}{suffix}", image, **form)
    write_mask(folder / "gt" / f"{name}.png", mask)
    if ignore is not None:
        write_mask(folder / "ignore" / f"{name}.png", ignore)


def write_list(folder: Path, list_name: str, names: Iterable[object]) -> None:
    """The list DIR/`list_name` of scenes with these names."""
    rows = [f"image/{name}.tif,gt/{name}.png\n" for name in names]
    (folder / list_name).write_text("image,label\n" + "".join(rows))


def two_tone(seed: int, height: int, width: int) -> LabelledScene:
    """A scene whose label can be told from its pixels: the red channel is 40 off the ice and 220 on it."""
    image = cv2.resize(noise(seed, 8, 8, 3), (width, height), interpolation=cv2.INTER_NEAREST)
    image[..., 0] = np.where(image[..., 0] > 127, 220, 40)
    return LabelledScene(str(seed), image, (image[..., 0] > 127).astype(np.uint8))


def mask_of(where: np.ndarray) -> np.ndarray:
    """uint8 [H, W], 255 where bool [H, W] is True."""
    return np.where(where, 255, 0).astype(np.uint8)
