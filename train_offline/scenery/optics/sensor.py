"""The instrument and the product: blur, rendering, noise, stripes, borders without data, compression."""

from __future__ import annotations

import math

import cv2
import numpy as np

from train_offline.scenery.noise import Array, fractal, grid_xy, smoothstep


def expose(rng: np.random.Generator, image: Array) -> Array:
    """Turn light, float32 [H, W, 3], into what the product would show, uint8 [H, W, 3]."""
    image = _shoulder(_blur(rng, image))
    if rng.random() < 0.4:
        _stripes(rng, image)
    noise = rng.uniform(0.002, 0.035)
    grain = rng.standard_normal(image.shape[:2], np.float32)[..., None]
    image = image * (1 + np.float32(noise) * grain) + np.float32(rng.uniform(0.1, 0.8)) * grain
    if rng.random() < 0.3:  # noise of the channels by themselves
        image += np.float32(rng.uniform(0.3, 2.0)) * rng.standard_normal(image.shape, np.float32)
    if rng.random() < 0.15:  # few grey levels, as after a strong stretch
        levels = np.float32(rng.uniform(2, 6))
        image = np.round(image / levels) * levels
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return _compress(rng, pixels) if rng.random() < 0.35 else pixels


def _shoulder(image: Array, knee: float = 200.0) -> Array:
    """Bend values above the knee towards 255, so that bright ground keeps its texture."""
    room = np.float32(255.0 - knee)
    return np.where(image > knee, knee + room * np.tanh((image - knee) / room), image).astype(np.float32)


def _blur(rng: np.random.Generator, image: Array) -> Array:
    """Blur, or resample from a coarser grid as map projection leaves it, or sharpen."""
    height, width = image.shape[:2]
    draw = rng.random()
    if draw < 0.25:
        factor = rng.uniform(1.2, 2.2)
        coarse = math.ceil(width / factor), math.ceil(height / factor)
        small = cv2.resize(image, coarse, interpolation=cv2.INTER_AREA)
        how = cv2.INTER_NEAREST if rng.random() < 0.4 else cv2.INTER_LINEAR
        return cv2.resize(small, (width, height), interpolation=how)
    blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.25, 0.95)), np.float32)
    if draw < 0.4:
        blurred += np.float32(rng.uniform(0.2, 0.8)) * (blurred - cv2.GaussianBlur(blurred, (0, 0), 1.2))
    return blurred


def _stripes(rng: np.random.Generator, image: Array) -> None:
    """Draw lines of detectors: thin bright or dark lines at one period, or each line with its own gain."""
    x, y = grid_xy(image.shape[:2])
    angle = rng.choice([0.0, math.pi / 2, rng.uniform(-0.4, 0.4)], p=[0.3, 0.2, 0.5])
    across = y * np.float32(math.cos(angle)) + x * np.float32(math.sin(angle))
    strength = np.float32(rng.uniform(0.01, 0.08))
    if rng.random() < 0.6:
        period = rng.uniform(6, 60)
        line = smoothstep(0.0, 1.2, 1.2 - np.abs(np.remainder(across, np.float32(period)) - 2))
        image *= 1 + strength * np.float32(rng.choice([-1, 1])) * line[..., None]
        image += np.float32(rng.uniform(0, 3)) * line[..., None]
    else:
        number = np.floor(across / np.float32(rng.uniform(1, 4))).astype(np.int64)
        number -= number.min()
        gains = rng.standard_normal(int(number.max()) + 1, np.float32)
        image *= 1 + np.float32(0.4) * strength * gains[number][..., None]


def _compress(rng: np.random.Generator, pixels: Array) -> Array:
    """Encode as JPEG and back, as products that were delivered lossy once: uint8 [H, W, 3]."""
    quality = int(rng.integers(55, 96))
    _, packed = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR_RGB), np.uint8)


def draw_gaps(rng: np.random.Generator, pixels: Array) -> Array:
    """Paint wedges without data at the border of the swath black, in place; returns them, bool [H, W]."""
    shape = pixels.shape[:2]
    x, y = grid_xy(shape)
    gap = np.zeros(shape, bool)
    # The edge of the swath may be ragged by some pixels.
    ragged = 8 * fractal(rng, shape, 20, 0.7, 2) if rng.random() < 0.3 else np.zeros(shape, np.float32)
    for _ in range(int(rng.integers(1, 3))):
        side = rng.integers(4) * math.pi / 2 + rng.uniform(-0.35, 0.35)
        depth = rng.uniform(0.02, 0.45) * min(shape)
        cos, sin = np.float32(math.cos(side)), np.float32(math.sin(side))
        along = (x - shape[1] / 2) * cos + (y - shape[0] / 2) * sin
        gap |= along + ragged > max(shape) / 2 - depth
    pixels[gap] = 0
    return gap


def break_lines(rng: np.random.Generator, pixels: Array) -> Array:
    """Lose lines: bands of black, or of noise in false colours, in place; returns them, bool [H, W]."""
    height = pixels.shape[0]
    lost = np.zeros(pixels.shape[:2], bool)
    for _ in range(int(rng.integers(1, 8))):
        first, count = int(rng.integers(height)), int(rng.integers(1, max(2, height // 24)))
        lost[first : first + count] = True
    if rng.random() < 0.5:
        pixels[lost] = 0
    else:
        pixels[lost] = np.roll(pixels, (0, int(rng.integers(20, 60)), 1), (0, 1, 2))[lost]
    return lost
