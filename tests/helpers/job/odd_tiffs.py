"""A picture as an odd TIFF, and what the reader of odd TIFFs makes of it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from infer.plan.tiff_header import read_header
from infer.read.rgb import HIGH, LOW
from infer.read.scene import Read
from infer.read.tiff.tifffile_reader import read_odd_scene
from tests.helpers.support import random_rgb

PICTURE = random_rgb(60, 44)
GREY = PICTURE[..., 0]
WIDE = (PICTURE.astype(np.uint16) * 157 + 900).astype(np.uint16)  # 16 bits


def read(path: Path) -> Read:
    """As the job reads what is not plain RGB."""
    return Read(*read_odd_scene(path, read_header(path)))


def written(tmp_path: Path, image: np.ndarray, **options: Any) -> Read:
    """Write an image with these options of tifffile's, and read it."""
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, image, **options)
    return read(path)


def stretched(image: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """The documented line, in float64."""
    low, high = np.percentile(counted.astype(np.float64), (LOW, HIGH))
    line: np.ndarray = np.rint(np.clip((image.astype(np.float64) - low) * 255 / (high - low), 0, 255))
    return line


def patch_tag(path: Path, code: int, *, pointer: int | None = None, value: int | None = None) -> None:
    """Change a tag of a little-endian classic TIFF in place: its value or pointer, four bytes either way."""
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        at = file.pages.first.tags[code].offset + 8
    content[at : at + 4] = struct.pack("<I", value if pointer is None else pointer)
    path.write_bytes(content)
