"""Haze and cloud. Ice that cannot be seen under opaque cloud is labelled 0: the target's cloud is not ice."""

from __future__ import annotations

import math

import cv2
import numpy as np

from train_offline.scenery.noise import Array, bend, fractal, grid_xy, lighten, quantile, smoothstep, streaks
from train_offline.scenery.style import Style

OPAQUE = 0.6  # share of light from the cloud above which the surface counts as hidden


def draw_haze(rng: np.random.Generator, image: Array, style: Style) -> None:
    """Draw a thin veil over all or part of the scene, float32 [H, W, 3], in place."""
    shape = image.shape[:2]
    x, y = grid_xy(shape)
    angle = rng.uniform(0, 2 * math.pi)
    veil = fractal(rng, shape, rng.uniform(150, 600), 0.4, 8)
    slope = x * np.float32(math.cos(angle)) + y * np.float32(math.sin(angle))
    veil += slope * np.float32(rng.uniform(0, 0.004))
    amount = smoothstep(-2.0, 2.0, veil) * np.float32(rng.uniform(0.05, 0.4))
    lighten(image, (0.5 * style.palette.cloud + 0.5 * image.mean(axis=(0, 1))).astype(np.float32), amount)


def draw_cloud(rng: np.random.Generator, image: Array, style: Style) -> Array:
    """Draw cloud of one of four kinds, in place; returns where it hides the surface, bool [H, W]."""
    shape = image.shape[:2]
    kind = rng.choice(["cumulus", "stratus", "cirrus", "streets"], p=[0.3, 0.25, 0.25, 0.2])
    angle = rng.uniform(0, math.pi)
    if kind == "cumulus":
        field = fractal(rng, shape, rng.uniform(20, 90), 0.6)
        share, soft, top = rng.uniform(0.03, 0.35), rng.uniform(0.3, 1.0), 1.0
    elif kind == "stratus":
        field = bend(fractal(rng, shape, rng.uniform(150, 500), 0.42), rng, 20, 120)
        share, soft, top = rng.uniform(0.1, 0.7), rng.uniform(0.3, 1.2), 1.0
    elif kind == "cirrus":
        field = bend(streaks(rng, shape, rng.uniform(20, 70), rng.uniform(3, 9), angle, 0.6), rng, 20, 150)
        share, soft, top = rng.uniform(0.1, 0.5), rng.uniform(0.6, 1.6), rng.uniform(0.3, 0.75)
    else:
        rows = streaks(rng, shape, rng.uniform(10, 30), rng.uniform(4, 9), angle, 0.5, 4)
        field = bend(rows, rng, 8, 60) + 1.2 * fractal(rng, shape, 250, 0.45, 4)
        share, soft, top = rng.uniform(0.1, 0.5), rng.uniform(0.7, 1.5), rng.uniform(0.4, 0.9)
    edge = quantile(field, 1 - share)
    amount = smoothstep(-soft, soft, field - edge) * np.float32(top)
    if kind == "cumulus" and rng.random() < 0.7:
        _shadow(rng, image, amount)
    billow = 1 + np.float32(0.05) * fractal(rng, shape, 40, 0.6, 2) - np.float32(0.1) * (1 - amount)
    lighten(image, style.palette.cloud * billow[..., None], amount)
    # Specks and threads of cloud do not perforate a hand-made label.
    return cv2.morphologyEx((amount > OPAQUE).astype(np.uint8), cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)) > 0


def _shadow(rng: np.random.Generator, image: Array, amount: Array) -> None:
    dx, dy = rng.integers(-12, 13, 2)
    image *= 1 - np.float32(0.45) * np.roll(amount, (int(dy), int(dx)), (0, 1))[..., None]
