"""Colours that only Pillow makes RGB of: CIELAB."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from infer.errors import DecodeError


def read_rgb(path: Path, page: int) -> np.ndarray:
    """uint8 [H, W, 3], upright: Pillow turns it. Raises DecodeError for what it has no colours for."""
    Image.MAX_IMAGE_PIXELS = None  # the limits have been checked
    with Image.open(path) as image:
        image.seek(page)
        if image.mode != "LAB":
            raise DecodeError(f"colours are stored as {image.mode}, which has no RGB here")
        return np.asarray(ImageCms.applyTransform(image, _from_lab()))


def _from_lab() -> ImageCms.ImageCmsTransform:
    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(*profiles, "LAB", "RGB")
