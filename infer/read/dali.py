"""How DALI is made to report damage."""

from __future__ import annotations

import os

import cv2  # noqa: F401, it reads the environment when it is loaded: before the change below


def make_dali_report_damage() -> None:
    """To be called before DALI decodes for the first time, and before other threads run.

    Where DALI's TIFF decoder meets damaged data it falls back to an OpenCV of its own, which fills the rest
    of the image with zeros and reports success. OpenCV takes its limits from the environment; with a limit
    of one pixel it refuses every image, so that the damage is reported. The cv2 module is another copy of
    OpenCV, loaded by now, and keeps its usual limits.
    """
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = "1"
    os.environ["OPENCV_LOG_LEVEL"] = "SILENT"
