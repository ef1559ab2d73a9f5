"""Sea ice: where it lies and how it looks. Its kinds are in floes.py, its mask in ice_label.py."""

from __future__ import annotations

import math

import numpy as np

from train_offline.scenery.noise import (
    Array,
    bend,
    distance_to,
    fractal,
    grid_xy,
    lighten,
    quantile,
    smoothstep,
)
from train_offline.scenery.style import Style
from train_offline.scenery.surfaces.floes import Drift, draw_faint_streaks, draw_shore_fast, draw_thickness
from train_offline.scenery.surfaces.ice_label import label_ice

THIN = 0.25  # thickness at which the colour is that of thin ice


def draw_ice(rng: np.random.Generator, image: Array, land: Array, style: Style) -> Array:
    """Lay ice on the water image [H, W, 3] in place; returns the label, bool [H, W]."""
    sea = ~land
    drift = Drift(
        angle=float(rng.uniform(0, math.pi)),
        aspect=float(1 + rng.exponential(0.35)),
        spacing=float(np.exp(rng.uniform(math.log(8), math.log(70)))),
        lead=float(rng.uniform(0.5, 3.0)),
    )
    offshore = distance_to(land) if land.any() else None
    level = _extent(rng, sea, offshore)
    thickness = draw_thickness(rng, level, drift)
    if offshore is not None and rng.random() < 0.5:
        draw_shore_fast(rng, thickness, offshore, level)
    thickness *= sea
    label = label_ice(thickness, level, sea)
    if rng.random() < 0.35:
        np.maximum(thickness, draw_faint_streaks(rng, level, drift) * sea, out=thickness)
    _paint(rng, image, thickness, style)
    return label


def _extent(rng: np.random.Generator, sea: Array, offshore: Array | None) -> Array:
    """Return float32 [H, W]: above 0 inside the ice, below outside; 0 is the mean position of its edge."""
    shape = sea.shape
    scale = math.exp(rng.uniform(math.log(80), math.log(900)))
    level = fractal(rng, shape, scale, rng.uniform(0.4, 0.62), 2)
    x, y = grid_xy(shape)
    angle, slope = rng.uniform(0, 2 * math.pi), rng.uniform(0, 0.006)
    level += np.float32(slope * math.cos(angle)) * x + np.float32(slope * math.sin(angle)) * y
    if offshore is not None:
        level += np.float32(rng.uniform(-0.3, 2.0)) * np.exp(-offshore / np.float32(rng.uniform(20, 150)))
    if rng.random() < 0.7:  # tongues and eddies of the edge
        level = bend(level, rng, rng.uniform(3, 22), rng.uniform(15, 90))
    share = float(np.clip(rng.beta(1.1, 1.1) * 1.1, 0.04, 1.0))
    return level - np.float32(quantile(level, 1 - share, sea)) if share < 1 else level - level.min() + 0.3


def _paint(rng: np.random.Generator, image: Array, thickness: Array, style: Style) -> None:
    """Colour by thickness: water, then thin grey ice, then thick ice."""
    palette = style.palette
    apart = (palette.thin - palette.clear) * np.float32(style.thin_contrast)
    # Below this nobody could draw the edge by colour, so no label would; only texture may still show it.
    least = style.least_contrast * palette.clear.mean() + 18.75 * style.least_contrast
    apart *= np.float32(max(1.0, least / (np.abs(apart).mean() + 1e-3)))
    thin = np.clip(palette.clear + apart, 0, 255)
    # The real scene's ice changes by a tenth from pixel to pixel; water there by a fiftieth.
    crisp = fractal(rng, thickness.shape, rng.uniform(3, 8), rng.uniform(0.8, 1.1))
    crisp *= np.float32(style.grain * rng.uniform(0.03, 0.16))
    thickness = thickness * np.maximum(1 + 1.5 * crisp, 0.3)
    patch = 1 + np.float32(0.06 * style.grain) * fractal(rng, thickness.shape, 40, 0.75) + crisp
    grey = thin.astype(np.float32) * (1 + 0.7 * crisp)[..., None]
    lighten(image, grey, smoothstep(0.0, THIN * 0.8, thickness))
    amount = np.clip((thickness - THIN * 0.6) / (1 - THIN * 0.6), 0, 1.1)
    lighten(image, palette.thick * patch[..., None], amount)
