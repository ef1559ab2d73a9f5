"""Forest beside bare plains, and farmland: what is taken for ice and is none.

The Bohai Sea has little of them, other shores have; the embedded split has none of what is drawn here.
"""

from __future__ import annotations

import math

import numpy as np

from train_offline.scenery.cells import fields, tones
from train_offline.scenery.noise import Array, bend, fractal, lighten, quantile, smoothstep
from train_offline.scenery.style import Style


def draw_forest(rng: np.random.Generator, image: Array, land: Array, style: Style) -> None:
    """Draw dark, finely grained woods over part of the ground, float32 [H, W, 3], in place.

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
    """Draw pale patches inside the wood."""
    spots = fractal(rng, wood.shape, rng.uniform(8, 40), rng.uniform(0.4, 0.7))
    share = rng.uniform(0.02, 0.2)
    amount = smoothstep(-0.1, 0.1, spots - quantile(spots, 1 - share)) * wood
    lighten(image, style.palette.field * np.float32(rng.uniform(0.7, 1.3)), amount * rng.uniform(0.4, 1))


def draw_farmland(rng: np.random.Generator, image: Array, land: Array, style: Style) -> None:
    """Draw a farmed valley in barer ground, float32 [H, W, 3], in place.

    Its fields are a pixel or a few wide, so from afar it is a mottled plain with a sharp border, as ice in a
    bay is.
    """
    shape, palette = land.shape, style.palette
    region = fractal(rng, shape, math.exp(rng.uniform(math.log(80), math.log(600))), rng.uniform(0.35, 0.6))
    soft = rng.uniform(0.01, 0.2)
    amount = smoothstep(-soft, soft, region - quantile(region, 1 - rng.uniform(0.1, 0.6), land))
    width = math.exp(rng.uniform(math.log(1.5), math.log(14)))
    cells = fields(rng, shape, width)
    kinds = tones(rng, cells) + fractal(rng, shape, rng.uniform(30, 200), 0.5)
    crops = smoothstep(-1.5, 1.5, kinds)[..., None]
    green = np.array((rng.uniform(0.6, 1.0), rng.uniform(0.95, 1.2), rng.uniform(0.5, 0.95)), np.float32)
    planted = palette.plain * green * np.float32(rng.uniform(0.3, 0.9))
    bare = palette.plain * np.float32(rng.uniform(0.5, 1.1))
    lighten(image, planted + (bare - planted) * crops * np.float32(rng.uniform(0.2, 0.9)), amount)
