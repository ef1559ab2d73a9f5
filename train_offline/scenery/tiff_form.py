"""Scenes on disk in the form of the target: see write_scene."""

from __future__ import annotations

from pathlib import Path

import cv2
import tifffile

from train_offline.scenery.scene import DrawnScene

ROWS_PER_STRIP = 5
HORIZONTAL = 2  # TIFF 6.0, tag Predictor


def write_scene(folder: Path, stem: str, scene: DrawnScene) -> tuple[Path, Path]:
    """Write folder/image/<stem>.tif and folder/gt/<stem>.png; returns the two paths.

    The image has the form of the target's published scene: uint8 RGB, LZW with the horizontal predictor,
    strips of 5 rows, no geographic tags. The mask is an 8-bit single-channel PNG, 0 and 255.
    Raises OSError where a file cannot be written.
    """
    image, mask = folder / "image" / f"{stem}.tif", folder / "gt" / f"{stem}.png"
    for path in (image, mask):
        path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(
        image,
        scene.image,
        photometric="rgb",
        compression="lzw",
        predictor=HORIZONTAL,
        rowsperstrip=ROWS_PER_STRIP,
        metadata=None,
        software=False,
    )
    if not cv2.imwrite(str(mask), scene.mask):
        raise OSError(f"cannot write {mask}")
    return image, mask
