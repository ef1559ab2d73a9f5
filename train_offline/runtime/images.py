"""Small pictures for people: shrunk, and dark scenes brightened."""

from __future__ import annotations

import cv2
import numpy as np

BRIGHT = 99  # percentile of the brightest band that is shown as white
MAX_GAIN = 4.0


def shrunk(image: np.ndarray, max_side: int) -> np.ndarray:
    """Shrink uint8 [H, W, ...] to a longer side of `max_side` pixels, each the mean of what it covers."""
    scale = min(1.0, max_side / max(image.shape[:2]))
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def brightened(image: np.ndarray) -> tuple[np.ndarray, float]:
    """Multiply uint8 [H, W, 3] by a gain, 1 to MAX_GAIN, that makes its bright parts white; return both."""
    gain = float(np.clip(255 / max(1.0, np.percentile(image.max(axis=2), BRIGHT)), 1, MAX_GAIN))
    return np.clip(image * np.float32(gain), 0, 255).astype(np.uint8), gain
