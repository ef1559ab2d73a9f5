"""The pixels of one scene or mask file, as it holds them; a file that cannot be used is named in one line."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import tifffile
from tifffile import COMPRESSION, PHOTOMETRIC

from infer.errors import UsageError

ORIENTATION = 274  # the TIFF tag


def read_bands(path: Path) -> np.ndarray:
    """uint8 [H, W] or [H, W, 3 or 4], the bands as in the file; raises UsageError naming the file.

    Palettes, CMYK, inverted grey and turned scenes are refused: infer shows the network what they look like,
    and what their numbers alone look like is something else.
    """
    try:
        with tifffile.TiffFile(path) as file:
            image, odd = file.asarray(), _oddity(file.pages.first)
    except Exception as error:  # tifffile and its codecs raise a dozen kinds of error for a broken file
        raise UsageError(
            f"{path}: cannot be read: {str(error).splitlines()[0] if str(error) else error!r}"
        ) from error
    if odd:
        raise UsageError(f"{path}: {odd}; training reads plain grey and RGB, so save it as that")
    if image.size == 0:
        raise UsageError(f"{path}: cannot be read: holds no pixels")
    if image.ndim == 3 and image.shape[0] in (3, 4) and image.shape[2] not in (3, 4):
        image = np.moveaxis(image, 0, 2)  # planar file
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (3, 4))):
        raise UsageError(f"{path}: must be 8-bit grey, RGB or RGBA, not {image.dtype} {image.shape}")
    return image


def _oddity(page: tifffile.TiffPage) -> str | None:
    """What makes a page's numbers differ from what it shows, None for the plain kinds."""
    kind = page.photometric
    if kind == PHOTOMETRIC.YCBCR and page.compression in (COMPRESSION.OJPEG, COMPRESSION.JPEG):
        kind = PHOTOMETRIC.RGB  # as which it is decoded
    if kind not in (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB):
        return f"its colours are {PHOTOMETRIC(kind).name}"
    turned = page.tags.valueof(ORIENTATION, 1)
    return None if turned == 1 else f"is stored turned (orientation {turned})"


def as_rgb(image: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] of what read_bands gives: grey is repeated, a fourth band is dropped."""
    if image.ndim == 2:
        return np.repeat(image[:, :, None], 3, axis=2)
    return np.ascontiguousarray(image[:, :, :3])


def read_mask(path: Path, size: tuple[int, int]) -> np.ndarray:
    """uint8 [H, W] of a PNG mask; UsageError when it cannot be read or has another size than its scene.

    A mask of 16 bits is refused: reduced to 8 bits, a small value that means ice would become 0.
    """
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if mask is None:
        raise UsageError(f"{path}: cannot be read as an image")
    if mask.dtype != np.uint8:
        raise UsageError(f"{path}: holds {mask.dtype} pixels; save it with 8 bits, 255 = ice")
    if mask.ndim == 3:
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask.shape != size:
        (height, width), (rows, columns) = size, mask.shape
        raise UsageError(f"{path}: is {columns}x{rows} pixels, but its scene is {width}x{height}")
    return mask
