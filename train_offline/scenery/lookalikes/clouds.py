"""Smoke, fields of small clouds and thin cloud: what is taken for ice and is none.

The embedded split has none of what is drawn here.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from train_offline.scenery.noise import Array, bend, fractal, grid_xy, lighten, quantile, smoothstep, streaks
from train_offline.scenery.style import Style


def draw_smoke(rng: np.random.Generator, image: Array, style: Style) -> None:
    """Draw plumes of fires, all with the same wind, over an image, float32 [H, W, 3], in place."""
    shape = image.shape[:2]
    x, y = grid_xy(shape)
    wind = rng.uniform(0, 2 * math.pi)
    cos, sin = np.float32(math.cos(wind)), np.float32(math.sin(wind))
    cover = np.zeros(shape, np.float32)
    for _ in range(rng.integers(1, 7)):
        left, top = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        along = (x - np.float32(left)) * cos + (y - np.float32(top)) * sin
        across = (y - np.float32(top)) * cos - (x - np.float32(left)) * sin
        width = rng.uniform(2, 8) + np.maximum(along, 0) * np.float32(rng.uniform(0.08, 0.4))
        plume = np.exp(-((across / width) ** 2)) * np.exp(-np.maximum(along, 0) / rng.uniform(40, 300))
        np.maximum(cover, plume * (along > 0) * np.float32(rng.uniform(0.3, 1.0)), out=cover)
    cover = bend(cover, rng, rng.uniform(4, 18), rng.uniform(20, 90))
    cover *= np.clip(0.8 + np.float32(0.35) * fractal(rng, shape, rng.uniform(15, 60), 0.65), 0, 1.2)
    white = 0.85 * style.palette.cloud + 0.15 * image.mean(axis=(0, 1))
    colour = (white * rng.uniform(0.55, 1.0) * np.exp(rng.normal(0, 0.06, 3))).astype(np.float32)
    lighten(image, colour, np.minimum(cover, 0.92))


def draw_small_clouds(rng: np.random.Generator, image: Array, style: Style) -> Array:
    """Draw a field of small bright clouds, with shadows, in place; returns what they hide, bool [H, W]."""
    shape = image.shape[:2]
    field = fractal(rng, shape, rng.uniform(6, 26), rng.uniform(0.45, 0.7))
    field += np.float32(rng.uniform(0.3, 1.2)) * fractal(rng, shape, rng.uniform(100, 400), 0.5, 8)
    edge, soft = quantile(field, 1 - rng.uniform(0.02, 0.25)), rng.uniform(0.1, 0.5)
    amount = smoothstep(-soft, soft, field - edge)
    shift = rng.integers(-10, 11, 2)
    image *= 1 - np.float32(rng.uniform(0.1, 0.5)) * np.roll(amount, shift, (0, 1))[..., None]
    lighten(image, style.palette.cloud * np.float32(rng.uniform(0.9, 1.1)), amount * rng.uniform(0.7, 1))
    return cv2.morphologyEx((amount > 0.6).astype(np.uint8), cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)) > 0


def draw_thin_cloud(rng: np.random.Generator, image: Array, style: Style) -> None:
    """Draw cloud that the ground shines through, patchy or in bands, in place: it hides nothing."""
    shape = image.shape[:2]
    scale, angle = rng.uniform(12, 160), rng.uniform(0, math.pi)
    field = streaks(rng, shape, scale, rng.uniform(1, 6), angle, rng.uniform(0.45, 0.75))
    field = bend(field, rng, rng.uniform(5, 25), rng.uniform(40, 160))
    edge, soft = quantile(field, 1 - rng.uniform(0.15, 0.9)), rng.uniform(0.5, 1.8)
    amount = smoothstep(-soft, soft, field - edge) * np.float32(rng.uniform(0.1, 0.55))
    lighten(image, style.palette.cloud * np.float32(rng.uniform(0.7, 1.05)), amount)
