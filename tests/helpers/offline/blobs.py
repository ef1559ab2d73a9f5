"""Small labelled scenes that a network learns in seconds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import tifffile


def write_scene(folder: Path, name: str, seed: int, height: int = 96, width: int = 80) -> None:
    """Bright blobs on a dark ground; the blobs are the ice."""
    for part in ("image", "gt"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    coarse = (rng.random((6, 5)) < 0.4).astype(np.uint8)
    ice = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    image = np.where(ice[..., None] > 0, 180, 60) + rng.integers(-20, 20, (height, width, 3))
    tifffile.imwrite(folder / "image" / f"{name}.tif", image.astype(np.uint8), photometric="rgb")
    cv2.imwrite(str(folder / "gt" / f"{name}.png"), ice * 255)
