"""From the samples of a TIFF, of any type and colours, to 8-bit RGB, and which pixels hold data at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infer.read.decoder import DecodeError

# Samples wider than 8 bits are stretched by one line for all bands of a scene: what lies between these
# percentiles of its valid samples fills 0 to 255.
LOW, HIGH = 0.5, 99.5
MOST_COUNTED = 4_000_000  # samples from which the percentiles are taken, evenly spread over the scene

LAB = 8, 9, 10  # CIELAB, ICCLAB, ITULAB: Pillow's
KNOWN = WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6


@dataclass(frozen=True)
class Samples:
    """Pixels as they are stored, and what their numbers mean.

    values: [H, W, S] of any type of whole or floating-point numbers.
    bits: of a sample; TIFF's code number for the colours, YCBCR standing for what is RGB by now.
    palette: uint16 [3, N] for PALETTE; alpha: which band is one, None for none.
    nodata: the value that stands for nothing, None for none; NaN is a value too.
    there: bool [H, W], False where the file holds no data whatever the values say; None for nowhere.
    """

    values: np.ndarray
    bits: int
    photometric: int
    palette: np.ndarray | None = None
    alpha: int | None = None
    nodata: float | None = None
    there: np.ndarray | None = None


def to_rgb(samples: Samples) -> tuple[np.ndarray, np.ndarray | None]:
    """uint8 [H, W, 3], and bool [H, W] that is False where there is no data; None when that is nowhere.

    8-bit colours stay as they are. Raises DecodeError for colours and numbers that have no RGB.
    """
    bands = _colour_bands(samples)
    empty = _empty(bands, samples)  # [H, W, C], before any number changes
    signs = [samples.there]
    if empty is not None:
        signs.append(~empty.all(axis=2))
    if samples.alpha is not None:
        signs.append(samples.values[..., samples.alpha] != 0)
    if bands.dtype.kind == "f":
        signs.append(np.isfinite(bands).all(axis=2))
    signs = [sign for sign in signs if sign is not None and not sign.all()]
    valid = np.logical_and.reduce(signs) if signs else None
    counted = _counted(bands, empty, valid)
    return _in_colours(bands, samples, counted), valid


def _colour_bands(samples: Samples) -> np.ndarray:
    values = samples.values
    if values.dtype.kind not in "buif":
        raise DecodeError(f"samples are {values.dtype}, not whole or floating-point numbers")
    colours = [band for band in range(values.shape[2]) if band != samples.alpha]
    wanted = {PALETTE: 1, CMYK: 4}.get(samples.photometric, 3)
    if len(colours) < wanted:
        if wanted == 4 or samples.photometric in (RGB, YCBCR):
            raise DecodeError(f"{len(colours)} bands of colour, {wanted} are needed")
        wanted = 1
    return values[..., colours[:wanted]]


def _empty(bands: np.ndarray, samples: Samples) -> np.ndarray | None:
    """Which samples hold the value that stands for nothing: bool [H, W, C]; None for none."""
    if samples.nodata is None:
        return None
    if np.isnan(samples.nodata):
        return np.isnan(bands) if bands.dtype.kind == "f" else None
    if bands.dtype.kind == "f":
        return bands == bands.dtype.type(samples.nodata)
    return bands == samples.nodata


def _counted(bands: np.ndarray, empty: np.ndarray | None, valid: np.ndarray | None) -> np.ndarray:
    """The samples that hold data, flat."""
    keep = None if valid is None else np.broadcast_to(valid[..., None], bands.shape)
    if empty is not None:
        keep = ~empty if keep is None else keep & ~empty
    return bands.reshape(-1) if keep is None else bands[keep]


def _in_colours(bands: np.ndarray, samples: Samples, counted: np.ndarray) -> np.ndarray:
    if samples.photometric == PALETTE:
        return _by_palette(bands[..., 0], samples.palette)
    narrow = samples.bits <= 8 and bands.dtype.kind in "bu"
    if samples.photometric == CMYK:
        whole = float(2**samples.bits - 1) if bands.dtype.kind == "u" else 0
        if not whole:
            raise DecodeError(f"CMYK of {bands.dtype} numbers")
        ink = 1 - bands.astype(np.float32) / np.float32(whole)
        return np.rint(255 * ink[..., :3] * ink[..., 3:]).astype(np.uint8)
    eight = _widened(bands, samples.bits) if narrow else _stretched(bands, counted)
    if samples.photometric == WHITE_IS_ZERO:
        eight = 255 - eight
    return np.ascontiguousarray(np.broadcast_to(eight, (*eight.shape[:2], 3)))


def _widened(bands: np.ndarray, bits: int) -> np.ndarray:
    """1 to 8 bits to 0..255."""
    if bits == 8:
        return bands
    return (bands.astype(np.uint16) * 255 // (2**bits - 1)).astype(np.uint8)


def _stretched(bands: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """One line for all bands: uint8; what is no number becomes 0."""
    if not counted.size:
        return np.zeros(bands.shape, np.uint8)
    sample = counted[:: max(1, counted.size // MOST_COUNTED)].astype(np.float64)
    low, high = np.percentile(sample, (LOW, HIGH))
    if not high > low:
        low, high = float(sample.min()), float(sample.max())
    gain = 255 / (high - low) if high > low else 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        wide = np.clip((bands.astype(np.float64) - low) * gain, 0, 255)
    return np.rint(np.nan_to_num(wide, nan=0.0)).astype(np.uint8)


def _by_palette(indices: np.ndarray, palette: np.ndarray | None) -> np.ndarray:
    if palette is None or palette.ndim != 2 or len(palette) != 3:
        raise DecodeError("a palette is missing")
    colours = palette.T
    if colours.max(initial=0) > 255:  # TIFF stores 16 bits of each; some writers only 8
        colours = colours >> 8
    if indices.max(initial=0) >= len(colours):
        raise DecodeError("a pixel has a colour that the palette does not have")
    return colours.astype(np.uint8)[indices.astype(np.intp)]
