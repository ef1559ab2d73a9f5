"""Farmed valleys: a mottled plain of dark and pale fields that bare bright hills enclose.

From afar such a plain is a bay with ice: sharp borders, patches of every tone, and a pale coast around it.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from train_offline.scenery.cells import fields, tones
from train_offline.scenery.noise import Array, bend, fractal, lighten, quantile, smoothstep, streaks
from train_offline.scenery.style import Style


def draw_valley(rng: np.random.Generator, image: Array, land: Array, style: Style) -> None:
    """Draw floors of valleys with hills around them, in place, float32 [H, W, 3].

    They lie anywhere; `land`, bool [H, W], says of which pixels they cover their share.
    """
    depth = _depth(rng, land.shape)
    floor = rng.uniform(0.05, 0.4)
    hills = min(floor * rng.uniform(1.3, 3.0), 0.95)
    edge = rng.uniform(0.02, 0.3)
    slopes = smoothstep(-edge, edge, depth - quantile(depth, 1 - hills, land))
    lighten(image, _bare(rng, land.shape, style), slopes * np.float32(rng.uniform(0.5, 1.0)))
    width = math.exp(rng.uniform(math.log(1.2), math.log(10)))
    frayed = depth + np.float32(rng.uniform(0.0, 0.25)) * fractal(rng, land.shape, 4 * width, 0.7)
    edge = rng.uniform(0.005, 0.08)
    plain = smoothstep(-edge, edge, frayed - quantile(frayed, 1 - floor, land))
    lighten(image, _fields(rng, land.shape, width, style), plain * np.float32(rng.uniform(0.75, 1.0)))


def _depth(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Return how low the ground lies, standard deviation about 1: long valleys, with side valleys."""
    scale, gain = math.exp(rng.uniform(math.log(120), math.log(700))), rng.uniform(0.35, 0.55)
    depth = streaks(rng, shape, scale, rng.uniform(1, 3), rng.uniform(0, math.pi), gain)
    return bend(depth, rng, rng.uniform(3, 20), rng.uniform(20, 120))


def _bare(rng: np.random.Generator, shape: tuple[int, int], style: Style) -> Array:
    """Return dry grass and rock, float32 [H, W, 3], scored by gullies."""
    palette = style.palette
    dry = palette.plain + (palette.salt - palette.plain) * np.float32(rng.uniform(0.0, 0.8))
    red = palette.rock * np.float32(rng.uniform(0.9, 1.6))
    mix = smoothstep(-1, 1, fractal(rng, shape, rng.uniform(30, 200), 0.6))[..., None]
    rough = bend(fractal(rng, shape, rng.uniform(5, 30), 0.7), rng, rng.uniform(1, 8), rng.uniform(8, 40))
    sun = rng.uniform(0, 2 * math.pi)
    light = cv2.Sobel(rough, cv2.CV_32F, 1, 0) * np.float32(math.cos(sun))
    light += cv2.Sobel(rough, cv2.CV_32F, 0, 1) * np.float32(math.sin(sun))
    light = np.clip(light * np.float32(style.relief * rng.uniform(0.02, 0.15)), -0.5, 0.5)
    return np.asarray((dry + (red - dry) * mix) * (1 + light[..., None]))


def _fields(rng: np.random.Generator, shape: tuple[int, int], width: float, style: Style) -> Array:
    """Return crops, pasture and fallow, float32 [H, W, 3]: whole districts of one kind, others among them."""
    palette = style.palette
    cells = fields(rng, shape, width)
    green = np.array((rng.uniform(0.5, 0.95), rng.uniform(0.95, 1.25), rng.uniform(0.45, 0.95)), np.float32)
    watered = palette.plain * green * np.float32(rng.uniform(0.45, 0.95))
    woods = palette.shade * np.array((0.95, 1.1, 0.95), np.float32) * np.float32(rng.uniform(0.6, 1.6))
    fallow = palette.plain + (palette.field - palette.plain) * np.float32(rng.uniform(0, 1))
    fallow = fallow * np.float32(rng.uniform(0.6, 1.1))
    district = fractal(rng, shape, rng.uniform(25, 250), rng.uniform(0.4, 0.7))
    share = tones(rng, cells) * np.float32(rng.uniform(0.2, 1.2)) + district
    sharp = rng.uniform(0.05, 1.0)  # fields are either this or that, or of all shades
    level = rng.uniform(-0.8, 0.3)
    colour = woods + (watered - woods) * smoothstep(level - sharp, level + sharp, share)[..., None]
    level += rng.uniform(0.3, 1.3)
    colour += (fallow - colour) * smoothstep(level - sharp, level + sharp, share)[..., None]
    grain = np.float32(rng.uniform(0.02, 0.15)) * fractal(rng, shape, rng.uniform(2, 6), 0.9)
    return np.asarray(colour * np.maximum(1 + grain, 0.3)[..., None])
