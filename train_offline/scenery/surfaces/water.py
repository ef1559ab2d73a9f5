"""Open water: clear, shoal and turbid, with plumes; never ice."""

from __future__ import annotations

import math

import numpy as np

from train_offline.scenery.cells import parcels, tones
from train_offline.scenery.noise import (
    Array,
    bend,
    distance_to,
    fractal,
    lighten,
    quantile,
    smoothstep,
    streaks,
)
from train_offline.scenery.style import Style


def draw_water(rng: np.random.Generator, land: Array, style: Style) -> Array:
    """Draw ice-free water, float32 [H, W, 3]; smoother than ice at every scale."""
    shape, palette = land.shape, style.palette
    image = np.empty((*shape, 3), np.float32)
    image[:] = palette.clear
    broad = fractal(rng, shape, rng.uniform(150, 500), 0.45, 4)
    offshore = distance_to(land) if land.any() else np.full(shape, 200, np.float32)
    reach = rng.uniform(15, 160)
    shoal = np.exp(-offshore / np.float32(reach)) * (0.6 + 0.4 * broad)
    lighten(image, palette.shoal, np.clip(shoal + np.float32(0.25) * broad, 0, 1))
    if rng.random() < 0.75:
        lighten(image, palette.silt, _silt(rng, offshore))
    image *= (
        1 + np.float32(rng.uniform(0.0, 0.08)) * fractal(rng, shape, rng.uniform(40, 150), 0.5, 6)[..., None]
    )
    if land.any() and rng.random() < 0.3:
        draw_tidal_flats(rng, image, offshore, style)
    if rng.random() < 0.15:
        _rafts(rng, image, offshore, style)
    if rng.random() < 0.25:  # wind rows and swell
        rows = streaks(rng, shape, rng.uniform(4, 14), rng.uniform(4, 12), rng.uniform(0, math.pi), 0.5, 2)
        image *= 1 + np.float32(rng.uniform(0.01, 0.06)) * rows[..., None]
    return image


def _silt(rng: np.random.Generator, offshore: Array) -> Array:
    """Draw the share of sediment, float32 [H, W]: plumes from the shore, drawn out and curled by currents."""
    shape = offshore.shape
    drift = streaks(rng, shape, rng.uniform(30, 140), rng.uniform(1.0, 4.0), rng.uniform(0, math.pi), 0.5, 6)
    drift = bend(drift, rng, rng.uniform(8, 45), rng.uniform(60, 180))
    reach = rng.uniform(20, 250)
    shore = np.exp(-offshore / np.float32(reach)) - np.float32(0.4)
    level = drift + np.float32(rng.uniform(0.0, 3.0)) * shore
    edge = quantile(level, 1 - rng.uniform(0.1, 0.9))
    soft = rng.uniform(0.6, 2.5)
    return smoothstep(-soft, soft, level - edge) * np.float32(rng.uniform(0.25, 1.0))


def draw_tidal_flats(rng: np.random.Generator, image: Array, offshore: Array, style: Style) -> None:
    """Draw wet mud along the shore, cut by branching creeks."""
    shape = offshore.shape
    reach = rng.uniform(4, 28) * np.exp(0.8 * fractal(rng, shape, rng.uniform(60, 200), 0.55, 2))
    creeks = np.abs(bend(fractal(rng, shape, rng.uniform(12, 40), 0.6), rng, 6, 30))
    silt = style.palette.silt * np.float32(rng.uniform(0.6, 1.1))
    mud = silt * (0.85 + 0.2 * smoothstep(0, 1.2, creeks))[..., None]
    lighten(image, mud, smoothstep(-8, 8, reach - offshore) * np.float32(rng.uniform(0.5, 1.0)))


def _rafts(rng: np.random.Generator, image: Array, offshore: Array, style: Style) -> None:
    """Draw sea farms: faint regular rectangles on open water."""
    shape = offshore.shape
    width = rng.uniform(3, 8)
    label, line = parcels(rng, shape, width, width * rng.uniform(1.5, 5), rng.uniform(0, math.pi))
    patch = smoothstep(0.9, 1.2, fractal(rng, shape, rng.uniform(40, 120), 0.4, 4))
    tone = np.float32(rng.uniform(0.04, 0.16)) * (line > rng.uniform(0.4, 1.2)) * (tones(rng, label) > -0.8)
    image *= 1 + (np.float32(rng.choice([-1, 1])) * tone * patch)[..., None]
