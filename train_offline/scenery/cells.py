"""Partitions of the plane: cracked plates (floes) and rotated grids (fields, ponds)."""

from __future__ import annotations

import math

import cv2
import numpy as np

from train_offline.scenery.noise import Array, fractal, grid_xy

TONES = 4093  # a prime, so that neighbouring cells of a grid do not share a tone by arithmetic


def plates(
    rng: np.random.Generator,
    shape: tuple[int, int],
    spacing: float,
    *,
    aspect: float = 1.0,
    angle: float = 0.0,
    roughness: float = 0.25,
    unevenness: float = 0.8,
) -> tuple[Array, Array]:
    """Draw plates around random seeds with rough, warped outlines.

    spacing: usual distance of neighbouring seeds in pixels. aspect, angle: plates drawn out along the angle.
    roughness: displacement of outlines as a share of the spacing. unevenness: spread of plate sizes.
    Returns (label int32 [H, W] in 0..TONES-1, distance to the plate's own edge float32 [H, W] in pixels).
    """
    x, y = grid_xy(shape)
    reach = roughness * spacing
    fine = max(2.0, spacing / 6)
    map_x = x + reach * fractal(rng, shape, spacing * 1.5, 0.55, fine)
    map_y = y + reach * fractal(rng, shape, spacing * 1.5, 0.55, fine)
    cos, sin = math.cos(angle), math.sin(angle)
    along, across = (map_x * cos + map_y * sin) / aspect, map_y * cos - map_x * sin
    along -= along.min()
    across -= across.min()
    canvas = (int(across.max()) + 2, int(along.max()) + 2)
    label = cv2.remap(_nearest_seed(rng, canvas, spacing, unevenness), along, across, cv2.INTER_NEAREST)
    label = label.astype(np.int32)
    edge = np.zeros(shape, bool)
    edge[:, 1:] |= label[:, 1:] != label[:, :-1]
    edge[1:] |= label[1:] != label[:-1]
    return label, cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, 3)


def _nearest_seed(
    rng: np.random.Generator, shape: tuple[int, int], spacing: float, unevenness: float
) -> Array:
    """Return float32 [H, W]: the number of the nearest seed, modulo TONES."""
    height, width = shape
    count = max(4, round(1.6 * height * width / spacing**2))
    rows, cols = rng.integers(0, height, count), rng.integers(0, width, count)
    density = fractal(rng, shape, spacing * 5, 0.5, spacing)[rows, cols]
    keep = rng.random(count) < np.exp(unevenness * (density - 1.0)) + 0.03
    keep[:2] = True
    free = np.full(shape, 255, np.uint8)
    free[rows[keep], cols[keep]] = 0
    _, label = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    return np.remainder(label, TONES).astype(np.float32)


def parcels(
    rng: np.random.Generator, shape: tuple[int, int], width: float, length: float, angle: float
) -> tuple[Array, Array]:
    """Draw a rotated grid of rectangles, with the rows set off against each other.

    Returns (label int32 [H, W] in 0..TONES-1, distance to the nearest grid line float32 [H, W] in pixels).
    """
    x, y = grid_xy(shape)
    cos, sin = math.cos(angle), math.sin(angle)
    u, v = (x * cos + y * sin) / np.float32(length), (y * cos - x * sin) / np.float32(width)
    row = np.floor(v)
    u = u + np.float32(0.37) * row
    col = np.floor(u)
    by_row, by_col = int(rng.integers(97, 997)), int(rng.integers(1009, 3001))
    mix = row.astype(np.int32) * by_row + col.astype(np.int32) * by_col
    fu, fv = u - col, v - row
    line = np.minimum(np.minimum(fu, 1 - fu) * np.float32(length), np.minimum(fv, 1 - fv) * np.float32(width))
    return np.remainder(mix, TONES), line


def fields(rng: np.random.Generator, shape: tuple[int, int], width: float) -> Array:
    """Draw farmland, about `width` pixels a field: plates or a grid, int32 [H, W] in 0..TONES-1."""
    if rng.random() < 0.5:
        return plates(rng, shape, width)[0]
    return parcels(rng, shape, width, width * rng.uniform(1, 3), rng.uniform(0, math.pi))[0]


def tones(rng: np.random.Generator, label: Array) -> Array:
    """Draw one standard normal number per cell, float32 [H, W]."""
    return np.asarray(rng.standard_normal(TONES, np.float32)[label])
