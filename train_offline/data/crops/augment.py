"""Random changes of one training crop: its orientation, its colours and its defects.

The colours of the target are unlike those of any scene at hand (dark, grey, another sensor), so colour is
drawn anew for every crop rather than jittered: what is left to learn from is shape, texture and the order of
brightness within a scene. The order itself is never inverted: thin ice darker than land is a fact, not an
accident (domain randomisation: Tobin et al. 2017, arXiv:1703.06907).
"""

from __future__ import annotations

import cv2
import numpy as np

_GREY = np.array([0.299, 0.587, 0.114], np.float32)


def turn(image: np.ndarray, label: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw one of the eight flips and quarter turns, the same for image [S, S, 3] and label [S, S]."""
    quarter, flip = int(rng.integers(4)), rng.random() < 0.5
    image, label = np.rot90(image, quarter), np.rot90(label, quarter)
    if flip:
        image, label = image[:, ::-1], label[:, ::-1]
    return np.ascontiguousarray(image), np.ascontiguousarray(label)


def flip_or_turn(
    image: np.ndarray, label: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Apply HorizontalFlip and RandomRotate90 of albumentations, each to half of the crops."""
    if rng.random() < 0.5:
        image, label = image[:, ::-1], label[:, ::-1]
    if rng.random() < 0.5:
        quarter = int(rng.integers(4))
        image, label = np.rot90(image, quarter), np.rot90(label, quarter)
    return np.ascontiguousarray(image), np.ascontiguousarray(label)


def jitter(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Multiply brightness, contrast and saturation by 0.78 to 1.28, tint slightly: uint8 [H, W, 3].

    For scenes of the same sensor as the data: what torchvision calls ColorJitter, about a quarter each way.
    """
    brightness, contrast, saturation = np.exp(rng.uniform(-0.25, 0.25, 3))
    tint = brightness * np.exp(rng.normal(0, 0.04, (3, 1)))
    colours = tint * (saturation * np.eye(3) + (1 - saturation) * np.tile(_GREY, (3, 1)))
    mean = colours @ image.mean((0, 1))
    shift = (1 - contrast) * mean[:, None]
    matrix = np.hstack([contrast * colours, shift]).astype(np.float32)
    pixels = np.asarray(cv2.transform(image.astype(np.float32), matrix))
    return _to_uint8(pixels + 0.5)


def randomise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw new colours, air and sensor defects for one crop: uint8 [H, W, 3] to uint8 [H, W, 3]."""
    pixels = np.asarray(cv2.transform(_retone(image, rng), _colour_matrix(rng)), np.float32)
    if rng.random() < 0.3:
        pixels = _shade(pixels, rng)
    if rng.random() < 0.35:
        pixels = _haze(pixels, rng)
    if rng.random() < 0.45:
        pixels = _refocus(pixels, rng)
    if rng.random() < 0.15:
        pixels = _stripe(pixels, rng)
    if rng.random() < 0.5:
        grain = np.float32(np.exp(rng.uniform(np.log(0.5), np.log(8.0))))
        pixels += grain * rng.standard_normal(pixels.shape, np.float32)
    changed = _to_uint8(pixels)
    return _recompress(changed, rng) if rng.random() < 0.1 else changed


def _retone(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw gamma, mean and contrast per channel, by one table of 256 entries: float32 [H, W, 3]."""
    gamma = np.exp(rng.normal(0, 0.3) + rng.normal(0, 0.12, 3))
    tone = 255 * (np.arange(256)[:, None] / 255) ** gamma  # [256, 3]
    counts = np.stack([np.bincount(image[..., c].ravel(), minlength=256) for c in range(3)], 1)
    share = counts / image[..., 0].size
    mean = (share * tone).sum(0)
    if rng.random() < 0.75:  # a scene of another sensor and another day: level and tint drawn from scratch
        level = np.exp(rng.uniform(np.log(18), np.log(170)))
        wanted = level * np.exp(rng.normal(0, 0.3, 3))
        contrast = wanted / np.maximum(mean, 1) * np.exp(rng.normal(0, 0.35) + rng.normal(0, 0.1, 3))
    else:
        wanted = mean * np.exp(rng.normal(0, 0.1, 3))
        contrast = np.exp(rng.normal(0, 0.1, 3))
    contrast = np.clip(contrast, 0.15, 4)  # a flat dark crop must not turn into amplified noise
    table = np.clip((tone - mean) * contrast + wanted, -40, 295).astype(np.float32)
    return cv2.LUT(image, np.ascontiguousarray(table[:, None, :]).reshape(1, 256, 3))


def _colour_matrix(rng: np.random.Generator) -> np.ndarray:
    """[3, 3] that changes saturation and hue, mixes the channels and keeps grey grey: float32."""
    matrix = np.eye(3)
    if rng.random() < 0.5:
        saturation = rng.uniform(0, 1.7)
        matrix = saturation * matrix + (1 - saturation) * np.tile(_GREY, (3, 1))
    if rng.random() < 0.4:
        matrix = _hue_rotation(rng.normal(0, np.radians(25))) @ matrix
    if rng.random() < 0.5:
        mixing = np.eye(3) + rng.normal(0, 0.1, (3, 3))
        matrix = mixing / mixing.sum(1, keepdims=True) @ matrix
    if rng.random() < 0.08:
        matrix = matrix[rng.permutation(3)]
    return matrix.astype(np.float32)


def _hue_rotation(angle: float) -> np.ndarray:
    """Return the rotation by `angle` radians about the grey axis, [3, 3] (Rodrigues' formula)."""
    return np.asarray(cv2.Rodrigues(np.full(3, angle / np.sqrt(3)))[0])


def _smooth_field(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw a surface with a few hills, values 0 to 1: float32 [H, W, 1]."""
    coarse = rng.random((int(rng.integers(2, 7)), int(rng.integers(2, 7))), np.float32)
    field = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.clip(field, 0, 1)[:, :, None]


def _shade(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light unevenly: up to a third brighter or darker from place to place."""
    return pixels * (1 + np.float32(rng.uniform(0.1, 0.6)) * (_smooth_field(pixels.shape, rng) - 0.5))


def _haze(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lay a bright veil of uneven thickness that never hides the ground."""
    veil = (rng.uniform(70, 235) * (1 + rng.normal(0, 0.06, 3))).astype(np.float32)
    cover = np.float32(rng.uniform(0.05, 0.6)) * _smooth_field(pixels.shape, rng)
    return np.asarray(pixels + cover * (veil - pixels))


def _refocus(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make it softer, sharper or blocky: other optics, another resampling."""
    kind = rng.random()
    if kind < 0.2:
        height, width = pixels.shape[:2]
        small = cv2.resize(pixels, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    soft = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.6))
    if kind < 0.65:
        return soft
    return np.asarray(pixels + np.float32(rng.uniform(0.3, 1.2)) * (pixels - soft))


def _stripe(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add detector stripes: lines of the scan that read too bright or too dark, along rows or columns."""
    axis = int(rng.integers(2))
    lines = pixels.shape[axis]
    period, strength = int(rng.integers(4, 60)), rng.uniform(1, 12)
    offsets = np.tile(rng.normal(0, strength, period), lines // period + 1)[:lines]
    offsets[rng.random(lines) < rng.uniform(0.3, 0.95)] = 0  # most lines of most sensors are good
    return np.asarray(pixels + np.expand_dims(offsets.astype(np.float32), (2, 1 - axis)))


def _recompress(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Encode as JPEG and back: the block pattern of scenes that were shared as pictures."""
    _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


def _to_uint8(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(pixels, 0, 255), np.uint8)
