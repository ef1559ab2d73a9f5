"""A small picture of a scene with its ice outlined, for the contact sheet."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np

from train_offline.data.folder import IGNORED
from train_offline.runtime.images import brightened, shrunk

MAX_SIDE = 288  # pixels of the longer side
QUALITY = 80  # of JPEG; about 20 kB a scene
SMOOTH = 0.6  # pixels by which an outline may be off


@dataclass(frozen=True)
class Thumbnail:
    """jpeg: base64. gain: by how much it is brighter than the scene. ice, ignored: outlines as SVG paths."""

    jpeg: str
    width: int
    height: int
    gain: float
    ice: str
    ignored: str


def thumbnail(image: np.ndarray, label: np.ndarray | None) -> Thumbnail:
    """Draw a scene, uint8 [H, W, 3] RGB, and its label, uint8 [H, W]: 0, 1 ice, 255 ignored."""
    small, gain = brightened(shrunk(image, MAX_SIDE))
    size = small.shape[1], small.shape[0]
    jpeg = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    ice, ignored = ("", "") if label is None else (_outline(label == value, size) for value in (1, IGNORED))
    return Thumbnail(base64.b64encode(jpeg.tobytes()).decode(), *size, gain, ice, ignored)


def _outline(mask: np.ndarray, size: tuple[int, int]) -> str:
    """Trace the borders of a mask, bool [H, W], on a thumbnail of (width, height), as an SVG path."""
    small = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 127
    contours, _ = cv2.findContours(small.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    lines = (cv2.approxPolyDP(contour, SMOOTH, True)[:, 0] for contour in contours)
    return "".join("M" + "L".join(f"{x} {y}" for x, y in line) + "Z" for line in lines)
