"""Land: the coast, relief, fields, and snow on it."""

from __future__ import annotations

import math

import cv2
import numpy as np

from train_offline.scenery.cells import parcels, tones
from train_offline.scenery.noise import (
    Array,
    bend,
    distance_to,
    fractal,
    grid_xy,
    lighten,
    quantile,
    smoothstep,
    streaks,
)
from train_offline.scenery.style import Style


def draw_coast(rng: np.random.Generator, shape: tuple[int, int], land_share: float) -> Array:
    """Draw land as bool [H, W]: a fractal coast with islands and bays, `land_share` of the scene."""
    if land_share <= 0.0 or land_share >= 1.0:
        return np.full(shape, land_share >= 1.0)
    scale, gain = math.exp(rng.uniform(math.log(150), math.log(1400))), rng.uniform(0.38, 0.62)
    height = fractal(rng, shape, scale, gain)
    height += _tilt(rng, shape, rng.uniform(0.0, 2.0) * max(shape) / 512)
    if rng.random() < 0.4:  # a low coast of lagoons and spits
        height = bend(height, rng, rng.uniform(4, 16), rng.uniform(20, 60))
    return _without_specks(height > quantile(height, 1 - land_share), rng.uniform(4, 60))


def _tilt(rng: np.random.Generator, shape: tuple[int, int], strength: float) -> Array:
    x, y = grid_xy(shape)
    angle = rng.uniform(0, 2 * math.pi)
    return np.float32(strength / max(shape)) * (
        x * np.float32(math.cos(angle)) + y * np.float32(math.sin(angle))
    )


def _without_specks(land: Array, smallest: float) -> Array:
    """Drop islands and lakes of fewer than `smallest` pixels: a fractal has far too many of them."""
    for value in (True, False):
        count, label, stats, _ = cv2.connectedComponentsWithStats(
            (land == value).astype(np.uint8), connectivity=4
        )
        small = stats[:, cv2.CC_STAT_AREA] < smallest
        small[0] = False
        if count > 1 and small.any():
            land = np.where(small[label], not value, land)
    return land


def draw_land(rng: np.random.Generator, land: Array, style: Style) -> Array:
    """Draw the ground, float32 [H, W, 3], for the whole scene (the sea is painted over elsewhere)."""
    shape, palette = land.shape, style.palette
    image = np.empty((*shape, 3), np.float32)
    image[:] = palette.plain
    lighten(image, palette.field, smoothstep(-1.2, 1.2, fractal(rng, shape, rng.uniform(60, 300), 0.6)))
    for _ in range(rng.integers(0, 3)):
        _fields(rng, image, style)
    _mountains(rng, image, land, style)
    image *= 1 + np.float32(0.05 * style.grain) * fractal(rng, shape, 6, 0.8)[..., None]
    _beach(rng, image, land, style)
    return image


def _fields(rng: np.random.Generator, image: Array, style: Style) -> None:
    """Draw parcels of farmland, each with its own tone, in part of the plain."""
    shape = image.shape[:2]
    width = rng.uniform(3, 12)
    label, line = parcels(rng, shape, width, width * rng.uniform(1, 4), rng.uniform(0, math.pi))
    where = smoothstep(-0.2, 0.6, fractal(rng, shape, rng.uniform(60, 200), 0.5, 8) + rng.uniform(-0.8, 0.8))
    tone = np.float32(rng.uniform(0.04, 0.16)) * tones(rng, label) - np.float32(0.08) * (line < 0.5)
    tint = 1 + rng.normal(0, 0.25, 3).astype(np.float32)
    image *= 1 + (tone * where)[..., None] * tint


def _mountains(rng: np.random.Generator, image: Array, land: Array, style: Style) -> None:
    """Draw ridges and valleys, shaded by a low winter sun, away from the lowland."""
    shape, palette = land.shape, style.palette
    share = rng.choice([0.0, 0.3, 0.6, 0.95], p=[0.2, 0.35, 0.3, 0.15])
    if share == 0.0:
        return
    region = fractal(rng, shape, rng.uniform(120, 400), 0.45, 4)
    inland = np.minimum(distance_to(~land) / np.float32(60), 1.0) if not land.all() else 1.0
    region = smoothstep(-0.3, 0.5, region - quantile(region, 1 - share) + (inland - 0.6) * 0.8)
    scale = rng.uniform(20, 90)
    rough = fractal(rng, shape, scale * 2, rng.uniform(0.45, 0.6))
    ridges = bend(1 - np.abs(rough) * 1.6, rng, scale / 4, scale) + 0.3 * fractal(rng, shape, scale / 2, 0.6)
    sun = rng.uniform(0, 2 * math.pi)
    slope_x = cv2.Sobel(ridges, cv2.CV_32F, 1, 0, ksize=3)
    slope_y = cv2.Sobel(ridges, cv2.CV_32F, 0, 1, ksize=3)
    light = slope_x * np.float32(math.cos(sun)) + slope_y * np.float32(math.sin(sun))
    light *= np.float32(style.relief * 0.09 * scale / 8)
    ground = palette.rock + (palette.shade - palette.rock) * smoothstep(-1.0, 1.2, -light)[..., None]
    ground *= 1 + np.float32(0.4) * np.clip(light, -1, 1)[..., None]
    lighten(image, ground, region * smoothstep(-0.8, 0.3, ridges))


def _beach(rng: np.random.Generator, image: Array, land: Array, style: Style) -> None:
    """Draw pale mud and sand along the shore, of varying width."""
    if land.all() or rng.random() < 0.35:
        return
    width = rng.uniform(1, 9) * smoothstep(-0.8, 1.2, fractal(rng, land.shape, rng.uniform(20, 90), 0.6))
    amount = smoothstep(-1.0, 1.0, width - distance_to(~land)) * np.float32(rng.uniform(0.3, 1.0))
    colour = style.palette.salt * rng.uniform(0.65, 1.0) if rng.random() < 0.6 else style.palette.silt
    lighten(image, np.asarray(colour, np.float32), amount)


def draw_snow(rng: np.random.Generator, image: Array, land: Array, style: Style) -> None:
    """Draw snow on land, patchy or whole, in place; relief and drifts still show through."""
    shape = land.shape
    cover = rng.choice([0.15, 0.4, 0.75, 1.0], p=[0.3, 0.3, 0.25, 0.15])
    lie = fractal(rng, shape, rng.uniform(60, 300), rng.uniform(0.5, 0.75))
    brightness = image.mean(axis=2)
    lie += np.float32(rng.uniform(-0.6, 0.6)) * (brightness - brightness.mean()) / (brightness.std() + 1)
    amount = smoothstep(-0.25, rng.uniform(0.05, 0.9), lie - quantile(lie, 1 - cover))
    amount *= np.float32(rng.uniform(0.45, 0.95))
    drift = 1 + np.float32(0.06) * streaks(rng, shape, 12, rng.uniform(1, 5), rng.uniform(0, math.pi), 0.7)
    lighten(image, style.palette.snow * drift[..., None], amount)
