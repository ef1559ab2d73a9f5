"""The kinds of sea ice: sheets of nilas, packed floes, brash, shore-fast ice, streaks.

All give thickness as a number: 0 open water, about 0.25 thin dark-grey ice (nilas), 1 snow-covered floes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from train_offline.scenery.cells import plates, tones
from train_offline.scenery.noise import Array, bend, fractal, smoothstep, streaks


@dataclass(frozen=True)
class Drift:
    """What wind and current share among all ice of one scene."""

    angle: float  # radians, direction that streaks follow and floes are drawn out along
    aspect: float  # how far floes are drawn out
    spacing: float  # usual distance of the centres of large floes, pixels
    lead: float  # usual width of leads between floes, pixels


def draw_thickness(rng: np.random.Generator, level: Array, drift: Drift) -> Array:
    """Draw sheets, floes and brash, each in its own zone, thinning out to the edge: float32 [H, W]."""
    shape = level.shape
    spread = rng.uniform(0.02, 0.4)
    cover = smoothstep(-spread, rng.uniform(0.3, 1.2) * spread + 0.05, level)
    thickness = np.zeros(shape, np.float32)
    zone = fractal(rng, shape, rng.uniform(60, 300), 0.55, 2)
    kind = rng.choice(4, p=[0.25, 0.2, 0.4, 0.15])  # thin only, pack only, both, brash only
    limit = {0: 9.0, 1: -9.0, 2: rng.uniform(-0.9, 0.9), 3: 9.0}[int(kind)]
    pack = smoothstep(limit - 0.15, limit + 0.15, zone)
    if kind in (0, 2):
        np.maximum(thickness, _sheets(rng, cover, drift), out=thickness)
    if kind in (1, 2):
        floes = _floes(rng, cover, drift) if rng.random() < 0.55 else _grains(rng, cover, drift)
        thickness += (np.maximum(floes, 0.35 * thickness) - thickness) * pack
    if kind == 3 or rng.random() < 0.75:
        np.maximum(thickness, _brash(rng, cover, drift, everywhere=kind == 3), out=thickness)
    return thickness


def _sheets(rng: np.random.Generator, cover: Array, drift: Drift) -> Array:
    """Draw nilas: large thin plates, streaked along the drift and cut by fine cracks."""
    shape = cover.shape
    label, edge = plates(
        rng, shape, drift.spacing * rng.uniform(1.5, 4), aspect=drift.aspect, angle=drift.angle, roughness=0.4
    )
    texture = streaks(rng, shape, rng.uniform(8, 40), rng.uniform(1.5, 8), drift.angle, 0.65)
    grain = fractal(rng, shape, rng.uniform(2.5, 7), 0.8)
    thin = rng.uniform(0.14, 0.36)
    streaked = 1 + np.float32(rng.uniform(0.05, 0.3)) * texture
    sheet = thin * (streaked + np.float32(rng.uniform(0, 0.25)) * grain)
    sheet += np.float32(rng.uniform(0.01, 0.1)) * tones(rng, label)
    cracks = fractal(rng, shape, 60, 0.6, 4)
    width = drift.lead * rng.uniform(0.1, 0.7) * np.maximum(cracks + rng.uniform(-0.8, 0.8), 0)
    width += 0.5 * np.minimum(width, 1) * grain
    sheet *= smoothstep(-0.6, 0.9, edge - width) * 0.9 + 0.1
    rough = fractal(rng, shape, rng.uniform(6, 30), 0.75)
    present = smoothstep(-0.12, 0.12, cover - 0.5 + np.float32(rng.uniform(0.05, 0.3)) * rough)
    return np.asarray(np.clip(sheet, 0.09, 0.6) * present)


def _floes(rng: np.random.Generator, cover: Array, drift: Drift) -> Array:
    """Draw packed floes of two sizes, with leads of open water or thin ice between them."""
    shape = cover.shape
    wide = drift.lead * np.exp(0.6 * fractal(rng, shape, drift.spacing * 3, 0.5, 4))
    floes = np.zeros(shape, np.float32)
    tone_mean, tone_spread = rng.uniform(0.4, 0.95), rng.uniform(0.02, 0.13)
    for spacing, dim in ((max(5.0, drift.spacing * rng.uniform(0.15, 0.35)), 0.8), (drift.spacing, 1.0)):
        label, edge = plates(rng, shape, spacing, aspect=drift.aspect, angle=drift.angle, unevenness=1.3)
        tone, draw = tones(rng, label), tones(rng, label)
        width = wide * min(1.0, spacing / 25)
        inside = smoothstep(-0.5, 0.8, edge - width - 0.4 * fractal(rng, shape, 5, 0.8))
        close = cover if dim < 1 else cover * rng.uniform(0.45, 1.0)
        inside *= draw < _normal_quantile(close)
        layer = dim * tone_mean + np.float32(tone_spread) * tone
        floes += (layer - floes) * inside
    floes *= 1 + np.float32(rng.uniform(0.03, 0.12)) * fractal(rng, shape, 10, 0.85)
    matrix = rng.choice([0.0, 0.12, 0.25], p=[0.35, 0.35, 0.3]) * smoothstep(0.4, 0.7, cover)
    return np.asarray(np.clip(np.maximum(floes, matrix), 0, 1.15))


def _grains(rng: np.random.Generator, cover: Array, drift: Drift) -> Array:
    """Draw pack too fine to show its floes: grains of every size, opened by leads along the drift."""
    shape = cover.shape
    grain = streaks(rng, shape, drift.spacing * rng.uniform(0.5, 1.2), drift.aspect, drift.angle, 0.85)
    broad = fractal(rng, shape, rng.uniform(80, 250), 0.55, 4)
    pack = rng.uniform(0.3, 0.8) + np.float32(rng.uniform(0.1, 0.28)) * grain
    pack += np.float32(rng.uniform(0.05, 0.25)) * broad
    low = rng.choice([0.02, 0.12, 0.22])
    for scale in (drift.spacing * rng.uniform(1.0, 2.0), drift.spacing * rng.uniform(3.0, 6.0)):
        across = drift.angle + rng.normal(0, 0.5)
        ridge = np.abs(streaks(rng, shape, scale, drift.aspect * rng.uniform(1, 2), across, 0.8))
        open_share = rng.uniform(0.02, 0.22) * np.exp(0.7 * fractal(rng, shape, scale * 3, 0.5, 8))
        pack = low + (pack - low) * smoothstep(0.6, 1.3, ridge / open_share)
    holes = smoothstep(-0.25, 0.35, grain + 1.5 * broad.clip(-1, 1) * 0.5 - 3.2 * (0.62 - cover))
    return np.asarray(np.clip(pack * np.maximum(holes, smoothstep(0.85, 1.0, cover) * 0.7), 0, 1.1))


def _normal_quantile(share: Array) -> Array:
    """Return the standard normal number below which a draw falls with this probability (logistic fit)."""
    clipped = np.clip(share, 1e-4, 1 - 1e-4)
    logit = np.log(clipped / (1 - clipped)) / np.float32(1.702)
    return np.where(share > 0.995, 9.0, logit).astype(np.float32)


def _brash(rng: np.random.Generator, cover: Array, drift: Drift, everywhere: bool) -> Array:
    """Draw small broken pieces, thickest near the edge (or everywhere), drawn into wisps."""
    shape = cover.shape
    grain = streaks(rng, shape, rng.uniform(3, 12), rng.uniform(1, 3.5), drift.angle, 0.8)
    grain = bend(grain, rng, rng.uniform(1, 8), rng.uniform(10, 40))
    near = cover if everywhere else 4 * cover * (1 - cover)
    patch = fractal(rng, shape, rng.uniform(25, 90), 0.5, 4)
    amount = smoothstep(-0.35, 0.5, grain + 0.4 * patch + 2.6 * near - rng.uniform(1.2, 2.0))
    return np.asarray(amount * smoothstep(0.05, 0.4, cover) * np.float32(rng.uniform(0.2, 0.75)))


def draw_shore_fast(rng: np.random.Generator, thickness: Array, offshore: Array, level: Array) -> None:
    """Draw a smooth band that is frozen to the coast, where ice is near; sometimes cut off by a flaw lead."""
    shape = thickness.shape
    reach = rng.uniform(3, 30) * np.exp(0.7 * fractal(rng, shape, rng.uniform(30, 120), 0.55, 2))
    band = smoothstep(-1.0, 1.0, reach - offshore) * smoothstep(-0.5, 0.1, level)
    tone = rng.uniform(0.25, 1.0) * (1 + np.float32(rng.uniform(0.03, 0.15)) * fractal(rng, shape, 20, 0.7))
    if rng.random() < 0.4:
        flaw = smoothstep(0.0, 1.5, np.abs(offshore - reach - 2) - rng.uniform(0.5, 3))
        thickness *= 1 - (1 - flaw) * 0.9
    thickness += (tone - thickness) * band


def draw_faint_streaks(rng: np.random.Generator, level: Array, drift: Drift) -> Array:
    """Draw loose streaks off the edge: visible, but not ice by the label."""
    lines = streaks(rng, level.shape, rng.uniform(3, 9), rng.uniform(4, 12), drift.angle, 0.6)
    lines = bend(lines, rng, rng.uniform(2, 10), rng.uniform(30, 90))
    patch = smoothstep(0.0, 1.2, fractal(rng, level.shape, 120, 0.5, 4)) * smoothstep(-1.8, -0.2, level)
    return np.asarray(smoothstep(1.0, 2.6, lines) * patch * np.float32(rng.uniform(0.06, 0.2)))
