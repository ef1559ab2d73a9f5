"""Random fields with statistics in pixels: a large scene is a larger area, never an enlarged small one."""

from __future__ import annotations

import math

import cv2
import numpy as np

Array = np.ndarray


def fractal(
    rng: np.random.Generator, shape: tuple[int, int], scale: float, gain: float = 0.5, finest: float = 1.0
) -> Array:
    """Draw fractal noise, float32 [H, W], mean about 0 and standard deviation about 1.

    A pyramid: noise on a coarse grid is enlarged twice at a time and finer noise is added at each level, so
    all octaves together cost about as much as one at full size.
    scale, finest: longest and shortest wavelength in pixels. gain: amplitude of each octave relative to the
    one before (0.35 smooth hills, 0.7 rough).
    """
    height, width = shape
    step = max(scale / 2.5, 1.0)  # smoothed noise on a grid of this step has its power near `scale`
    octaves = max(0, math.floor(math.log2(max(step / max(finest / 2.5, 1.0), 1.0))))
    field = _bumps(rng, height, width, step)
    variance, amplitude = 1.0, 1.0
    for _ in range(octaves):
        step, amplitude = step / 2, amplitude * gain
        rows, cols = _grid(height, step), _grid(width, step)
        field = cv2.resize(field, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)[:rows, :cols]
        field = field + amplitude * _bumps(rng, height, width, step)
        variance += amplitude**2
    if step > 1.0:
        # One random phase, else the grid lines of every field would lie on the same pixels.
        shift = rng.uniform(0.0, 1.0, 2) + 1.0
        matrix = np.array([[1 / step, 0, shift[0]], [0, 1 / step, shift[1]]], np.float64)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        field = cv2.warpAffine(field, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.ascontiguousarray(field[:height, :width]) * np.float32(1 / math.sqrt(variance))


def _grid(size: int, step: float) -> int:
    return math.ceil(size / step) + 4


def _bumps(rng: np.random.Generator, height: int, width: int, step: float) -> Array:
    """Draw smoothed white noise, standard deviation 1: alike in all directions; bare grid noise is square."""
    white = rng.standard_normal((_grid(height, step), _grid(width, step)), np.float32)
    if step < 1.5:
        return white
    return cv2.GaussianBlur(white, (5, 5), 0.85) * np.float32(2.9)


def streaks(
    rng: np.random.Generator,
    shape: tuple[int, int],
    scale: float,
    aspect: float,
    angle: float,
    gain: float = 0.5,
    finest: float = 1.0,
) -> Array:
    """Draw `fractal` noise that is drawn out by `aspect` along `angle` (radians, from the x axis)."""
    height, width = shape
    span = math.hypot(height, width)
    field = fractal(rng, (math.ceil(span) + 8, math.ceil(span / aspect) + 8), scale, gain, finest)
    cos, sin = math.cos(angle), math.sin(angle)
    # Rows of the source are across the streaks, columns along them, shortened by the aspect.
    matrix = np.array(
        [
            [cos / aspect, sin / aspect, (span - width * cos - height * sin) / (2 * aspect) + 4],
            [-sin, cos, (span + width * sin - height * cos) / 2 + 4],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(field, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)


def grid_xy(shape: tuple[int, int]) -> tuple[Array, Array]:
    """Return column and row of every pixel, float32 [H, W] each."""
    height, width = shape
    row = np.arange(width, dtype=np.float32)[None, :]
    col = np.arange(height, dtype=np.float32)[:, None]
    return np.broadcast_to(row, shape), np.broadcast_to(col, shape)


def bend(
    field: Array, rng: np.random.Generator, reach: float, scale: float, interpolation: int = cv2.INTER_LINEAR
) -> Array:
    """Move every pixel of a field [H, W(, C)] by noise of `reach` pixels and wavelength `scale`."""
    shape = field.shape[:2]
    x, y = grid_xy(shape)
    finest = max(1.0, scale / 8)
    map_x = x + reach * fractal(rng, shape, scale, 0.5, finest)
    map_y = y + reach * fractal(rng, shape, scale, 0.5, finest)
    return cv2.remap(field, map_x, map_y, interpolation, borderMode=cv2.BORDER_REFLECT)


def smoothstep(low: float, high: float, field: Array) -> Array:
    """Return 0 below low, 1 above high, a smooth ramp between; float32."""
    t = np.clip((field - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def quantile(field: Array, share: float, where: Array | None = None) -> float:
    """Return the value that `share` of the field (of its pixels where `where`) lies below, from a sample."""
    values = field[::3, ::3]
    if where is not None:
        values = values[where[::3, ::3]]
    return float(np.quantile(values, share)) if values.size else 0.0


def distance_to(mask: Array) -> Array:
    """Return the distance of every pixel to the nearest True pixel, in pixels; 10,000 if there is none."""
    if not mask.any():
        return np.full(mask.shape, 1e4, np.float32)
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)


def lighten(image: Array, colour: Array, amount: Array) -> None:
    """Blend `colour` ([3], or [H, W, 3]) into image [H, W, 3] in place, by amount [H, W] in 0..1."""
    image += (colour - image) * amount[..., None]
