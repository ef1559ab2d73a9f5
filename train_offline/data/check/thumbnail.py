"""A small picture of a scene with its ice outlined, for the contact sheet."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np

from train_offline.data.folder import IGNORED

SIDE = 288  # pixels of the longer side, at most
QUALITY = 80  # of JPEG; about 20 kB a scene
BRIGHT = 99  # percentile of the brightest band that is shown as white
MOST_GAIN = 4.0
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
    """Of a scene, uint8 [H, W, 3] RGB, and its label, uint8 [H, W]: 0, 1 ice, 255 ignored."""
    scale = min(1.0, SIDE / max(image.shape[:2]))
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    gain = float(np.clip(255 / max(1.0, np.percentile(small.max(axis=2), BRIGHT)), 1, MOST_GAIN))
    bright = np.clip(small * gain, 0, 255).astype(np.uint8)
    jpeg = cv2.imencode(".jpg", bright[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    ice, ignored = ("", "") if label is None else (_outline(label == value, size) for value in (1, IGNORED))
    return Thumbnail(base64.b64encode(jpeg).decode(), *size, gain, ice, ignored)


def _outline(mask: np.ndarray, size: tuple[int, int]) -> str:
    """The borders of a mask, bool [H, W], on a thumbnail of (width, height), as an SVG path."""
    small = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 127
    contours, _ = cv2.findContours(small.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    lines = (cv2.approxPolyDP(contour, SMOOTH, True)[:, 0] for contour in contours)
    return "".join("M" + "L".join(f"{x} {y}" for x, y in line) + "Z" for line in lines)
