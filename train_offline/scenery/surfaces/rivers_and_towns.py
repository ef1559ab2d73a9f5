"""What people and rivers leave on land: rivers, ponds and towns, all of them not ice."""

from __future__ import annotations

import math

import cv2
import numpy as np

from train_offline.scenery.cells import parcels, tones
from train_offline.scenery.noise import Array, distance_to, fractal, lighten, smoothstep
from train_offline.scenery.style import Style

STEP = 4.0  # pixels between the corners of a river's line


def draw_rivers(rng: np.random.Generator, image: Array, land: Array, style: Style) -> None:
    """Draw winding rivers from the land to the sea: dark open water, pale frozen water, or sand banks."""
    count = rng.poisson(1.2 * math.sqrt(land.size) / 512) + 1
    palette = style.palette
    colours = (palette.clear, palette.silt, palette.salt, (palette.thin + palette.thick) / 2)
    for _ in range(count):
        line = _course(rng, land)
        if len(line) < 6:
            continue
        width = float(np.exp(rng.uniform(math.log(0.4), math.log(4.0))))
        body = colours[rng.choice(4, p=[0.4, 0.2, 0.2, 0.2])]
        banks, solid = rng.uniform(1.5, 4) if rng.random() < 0.5 else 0.0, rng.uniform(0.6, 1.0)
        reaches = np.array_split(line, 3)  # a river widens on its way
        for part, share in enumerate((0.4, 0.7, 1.0)):
            joined = np.concatenate([reaches[part - 1][-1:], reaches[part]]) if part else reaches[part]
            if banks:
                _stroke(image, joined, width * share + banks, palette.salt, land, solid * 0.5)
            _stroke(image, joined, width * share, body, land, solid)


def _course(rng: np.random.Generator, land: Array) -> Array:
    """Draw the corners (x, y) of a river from somewhere on land to where it meets the sea or the border."""
    height, width = land.shape
    rows, cols = np.nonzero(land[::16, ::16])
    if rows.size == 0:
        return np.zeros((0, 2), np.float32)
    start = rng.integers(rows.size)
    x, y = float(cols[start] * 16), float(rows[start] * 16)
    goal, turn = rng.uniform(0, 2 * math.pi), 0.0
    phase, wave, swing = rng.uniform(0, 6.3), rng.uniform(0.05, 0.4), rng.uniform(0.1, 0.9)
    points = []
    for i, change in enumerate(rng.normal(0, 0.09, int(4 * max(land.shape) / STEP))):
        if not (-8 <= x < width + 8 and -8 <= y < height + 8):
            break
        if 0 <= x < width and 0 <= y < height and not land[int(y), int(x)]:
            break
        points.append((x, y))
        turn = 0.97 * turn + change  # returns to the goal, so a river winds but does not run in circles
        bends = swing * math.sin(phase + wave * i) + 0.5 * swing * math.sin(2.3 * phase + 0.37 * wave * i)
        x, y = x + STEP * math.cos(goal + turn + bends), y + STEP * math.sin(goal + turn + bends)
    return np.array(points, np.float32).reshape(-1, 2)


def _stroke(image: Array, line: Array, width: float, colour: Array, land: Array, strength: float) -> None:
    """Paint a line over land; lines thinner than a pixel become fainter instead."""
    canvas = np.zeros(land.shape, np.uint8)
    points = np.round(line * 16).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(canvas, [points], False, 255, max(1, round(width)), cv2.LINE_AA, shift=4)
    amount = canvas.astype(np.float32) * np.float32(strength * min(1.0, width) / 255) * land
    lighten(image, np.asarray(colour, np.float32), amount)


def draw_ponds(rng: np.random.Generator, image: Array, land: Array, style: Style) -> None:
    """Draw salt works and fish ponds near the shore, and lakes: rectangles of white, grey, green and dark."""
    shape, palette = land.shape, style.palette
    reach = rng.uniform(15, 70)
    patch = fractal(rng, shape, rng.uniform(40, 120), 0.45, 4)
    near = distance_to(~land) if not land.all() else np.zeros(shape, np.float32)
    where = land & (near < reach) & (patch > rng.uniform(0.2, 1.2))
    if not where.any():
        return
    width = rng.uniform(3, 14)
    label, line = parcels(rng, shape, width, width * rng.uniform(1, 3.5), rng.uniform(0, math.pi))
    tone = tones(rng, label)
    shelf = np.stack([palette.salt, palette.snow, palette.thin, palette.shoal, palette.clear, palette.silt])
    order = rng.permutation(len(shelf))
    pick = np.clip(((tone + 2.2) / 4.4 * len(shelf)).astype(np.int32), 0, len(shelf) - 1)
    colour = shelf[order][pick] * (1 + np.float32(0.06) * tone[..., None])
    dike = rng.uniform(0.3, 1.2)
    colour[line < dike] = palette.plain
    lighten(image, colour, where.astype(np.float32) * np.float32(rng.uniform(0.5, 1.0)))


def draw_lakes(rng: np.random.Generator, image: Array, land: Array, style: Style) -> None:
    """Draw reservoirs with smooth outlines: dark, or frozen and bright."""
    palette = style.palette
    count = rng.poisson(3 * land.size / 512**2)
    canvas = np.zeros(land.shape, np.float32)
    for _ in range(count):
        centre = (int(rng.integers(land.shape[1])), int(rng.integers(land.shape[0])))
        axes = (int(rng.integers(3, 14)), int(rng.integers(3, 14)))
        cv2.ellipse(canvas, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1, cv2.LINE_8)
    rough = fractal(rng, land.shape, 14, 0.6) * 0.25
    amount = smoothstep(0.35, 0.6, cv2.GaussianBlur(canvas, (0, 0), 2.0) + rough * (canvas > 0)) * land
    colours = (palette.clear, palette.shoal, palette.salt, palette.thick)
    lighten(image, colours[int(rng.choice(4, p=[0.4, 0.2, 0.25, 0.15]))], amount)


def draw_towns(rng: np.random.Generator, image: Array, land: Array, style: Style) -> None:
    """Draw speckled grey patches with a few bright roofs, and the thin straight roads between them."""
    shape, palette = land.shape, style.palette
    count = rng.poisson(6 * land.size / 512**2)
    if count == 0:
        return
    x, y = rng.integers(0, shape[1], count), rng.integers(0, shape[0], count)
    blobs = np.zeros(shape, np.float32)
    for cx, cy in zip(x, y, strict=True):
        cv2.circle(blobs, (int(cx), int(cy)), int(rng.integers(2, 18)), 1.0, -1)
    rough = cv2.GaussianBlur(blobs, (0, 0), 3.0) + 0.3 * fractal(rng, shape, 10, 0.8)
    grey = np.float32((palette.plain.mean() + palette.shade.mean()) / 2)
    speckle = 1 + np.float32(0.2 * style.grain) * rng.standard_normal(shape, np.float32)
    colour = np.full(3, grey, np.float32) * speckle[..., None]
    lighten(image, colour, smoothstep(0.4, 0.8, rough) * land * np.float32(rng.uniform(0.3, 0.8)))
    for i in range(min(count - 1, 30)):
        road = np.array([[x[i], y[i]], [x[i + 1], y[i + 1]]], np.float32)
        _stroke(image, road, rng.uniform(0.3, 0.8), palette.shade, land, 0.4)
