"""What is taken for ice and is none: forest beside bare plains, farmland, smoke, fields of small clouds.

The Bohai Sea has little of them, other shores have; the embedded split has none of what is drawn here.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from train_offline.scenery.cells import fields, tones
from train_offline.scenery.noise import Array, bend, fractal, grid_xy, lighten, quantile, smoothstep
from train_offline.scenery.style import Style


def draw_forest(rng: np.random.Generator, image: Array, land: Array, style: Style) -> None:
    """Dark, finely grained woods over part of the ground, float32 [H, W, 3], in place.

    From afar a dark wood with pale clearings has the tones of thin ice with leads, and its borders too.
    """
    shape, palette = land.shape, style.palette
    region = fractal(rng, shape, math.exp(rng.uniform(math.log(40), math.log(500))), rng.uniform(0.45, 0.7))
    if rng.random() < 0.5:
        region = bend(region, rng, rng.uniform(3, 20), rng.uniform(15, 80))
    soft = rng.uniform(0.05, 0.5)
    amount = smoothstep(-soft, soft, region - quantile(region, 1 - rng.uniform(0.2, 0.9), land))
    colour = palette.shade * rng.uniform(0.4, 1.1) + palette.clear * rng.uniform(0.0, 0.5)
    colour = np.clip(colour, 3, 200) * np.exp(rng.normal(0, 0.1, 3))
    crowns = fractal(rng, shape, rng.uniform(3, 14), rng.uniform(0.6, 1.0))
    slopes = fractal(rng, shape, rng.uniform(15, 60), rng.uniform(0.5, 0.7))
    tone = 1 + np.float32(rng.uniform(0.03, 0.18)) * crowns + np.float32(rng.uniform(0.02, 0.2)) * slopes
    lighten(image, colour.astype(np.float32) * np.maximum(tone, 0.2)[..., None], amount * rng.uniform(0.8, 1))
    if rng.random() < 0.5:
        _clearings(rng, image, amount, style)


def _clearings(rng: np.random.Generator, image: Array, wood: Array, style: Style) -> None:
    """Pale patches inside the wood."""
    spots = fractal(rng, wood.shape, rng.uniform(8, 40), rng.uniform(0.4, 0.7))
    share = rng.uniform(0.02, 0.2)
    amount = smoothstep(-0.1, 0.1, spots - quantile(spots, 1 - share)) * wood
    lighten(image, style.palette.field * np.float32(rng.uniform(0.7, 1.3)), amount * rng.uniform(0.4, 1))


def draw_farmland(rng: np.random.Generator, image: Array, land: Array, style: Style) -> None:
    """A farmed valley in barer ground, float32 [H, W, 3], in place.

    Its fields are a pixel or a few wide, so from afar it is a mottled plain with a sharp border, as ice in a
    bay is.
    """
    shape, palette = land.shape, style.palette
    region = fractal(rng, shape, math.exp(rng.uniform(math.log(80), math.log(600))), rng.uniform(0.35, 0.6))
    soft = rng.uniform(0.01, 0.2)
    amount = smoothstep(-soft, soft, region - quantile(region, 1 - rng.uniform(0.1, 0.6), land))
    width = math.exp(rng.uniform(math.log(1.5), math.log(14)))
    cells = fields(rng, shape, width)
    crops = smoothstep(-1.5, 1.5, tones(rng, cells) + fractal(rng, shape, rng.uniform(30, 200), 0.5))[
        ..., None
    ]
    green = np.array((rng.uniform(0.6, 1.0), rng.uniform(0.95, 1.2), rng.uniform(0.5, 0.95)), np.float32)
    planted = palette.plain * green * np.float32(rng.uniform(0.3, 0.9))
    bare = palette.plain * np.float32(rng.uniform(0.5, 1.1))
    lighten(image, planted + (bare - planted) * crops * np.float32(rng.uniform(0.2, 0.9)), amount)


def draw_smoke(rng: np.random.Generator, image: Array, style: Style) -> None:
    """Plumes of fires, all with the same wind, in place."""
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
    """A field of small bright clouds, with shadows, in place; returns what they hide, bool [H, W]."""
    shape = image.shape[:2]
    field = fractal(rng, shape, rng.uniform(6, 26), rng.uniform(0.45, 0.7))
    field += np.float32(rng.uniform(0.3, 1.2)) * fractal(rng, shape, rng.uniform(100, 400), 0.5, 8)
    edge, soft = quantile(field, 1 - rng.uniform(0.02, 0.25)), rng.uniform(0.1, 0.5)
    amount = smoothstep(-soft, soft, field - edge)
    shift = rng.integers(-10, 11, 2)
    image *= 1 - np.float32(rng.uniform(0.1, 0.5)) * np.roll(amount, shift, (0, 1))[..., None]
    lighten(image, style.palette.cloud * np.float32(rng.uniform(0.9, 1.1)), amount * rng.uniform(0.7, 1))
    return cv2.morphologyEx((amount > 0.6).astype(np.uint8), cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)) > 0
