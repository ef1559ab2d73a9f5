"""Colours that tifffile leaves as they are stored, by Pillow: CIELAB, and YCbCr outside of JPEG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from infer.read.errors import DecodeError


def read_rgb(path: Path, page: int) -> np.ndarray:
    """uint8 [H, W, 3], upright: Pillow turns it. Raises DecodeError for what it has no colours for."""
    Image.MAX_IMAGE_PIXELS = None  # the limits have been checked
    with Image.open(path) as image:
        image.seek(page)
        if image.mode == "LAB":
            image = ImageCms.applyTransform(image, _from_lab())
        elif image.mode != "YCbCr":
            raise DecodeError(f"colours are stored as {image.mode}, which has no RGB here")
        return np.asarray(image.convert("RGB"))


def _from_lab() -> ImageCms.ImageCmsTransform:
    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(*profiles, "LAB", "RGB")
