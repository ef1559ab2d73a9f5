"""NVIDIA DALI, loaded so that it reports damage.

Where DALI's TIFF decoder meets damaged data it falls back to an OpenCV of its own, which fills the rest of the
image with zeros and reports success. That OpenCV takes its limits from the environment when it is loaded; with a
limit of one pixel it refuses every image, and the damage is reported. (The cv2 module is another copy: it is
loaded first and keeps its own limits.)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import cv2  # noqa: F401


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


with _environment(OPENCV_IO_MAX_IMAGE_PIXELS="1", OPENCV_LOG_LEVEL="SILENT"):
    from nvidia.dali import Pipeline, fn, types

__all__ = ["Pipeline", "fn", "types"]
