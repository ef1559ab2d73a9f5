"""From the samples of a TIFF, of any type and colours, to 8-bit RGB, and which pixels hold data at all.

A scene is gone through in blocks of rows, so that nothing but the samples and the result is ever whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from infer.errors import DecodeError
from infer.read.bands import BLACK_IS_ZERO, CMYK, PALETTE, RGB, WHITE_IS_ZERO, YCBCR, Bands

# Samples wider than 8 bits are stretched by one line for all bands of a scene: what lies between these
# percentiles of its valid samples fills 0 to 255.
LOW, HIGH = 0.5, 99.5
MAX_COUNTED = 4_000_000  # samples from which the percentiles are taken, evenly spread over the scene
BLOCK = 2**20  # samples of a block of rows

LAB = 8, 9, 10  # CIELAB, ICCLAB, ITULAB: Pillow's
Line = tuple[float, float]  # what becomes 0, and by how much each unit above it is more
KNOWN = WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR


@dataclass(frozen=True)
class Samples:
    """Pixels as they are stored, and what their numbers mean.

    values: [H, W, S] of any type of whole or floating-point numbers.
    bits: of a sample. bands: which samples are colours and alpha, YCBCR standing for what is RGB by now.
    palette: uint16 [3, N] for PALETTE.
    nodata: the value that stands for nothing, None for none; NaN is a value too.
    there: bool [H, W], False where the file holds no data whatever the values say; None for nowhere.
    """

    values: np.ndarray
    bits: int
    bands: Bands
    palette: np.ndarray | None = None
    nodata: float | None = None
    there: np.ndarray | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether the numbers are colours of 8 bits or less already."""
        return self.bits <= 8 and self.values.dtype.kind in "bu"

    def blocks(self) -> Iterator[slice]:
        """Iterate over the rows that are gone through together."""
        height, width, samples = self.values.shape
        step = max(1, BLOCK // max(1, width * samples))
        return (slice(row, min(row + step, height)) for row in range(0, height, step))

    def colours(self, rows: slice) -> np.ndarray:
        """Return the bands of colour of some rows, [h, W, C]."""
        chosen = self.bands.colours
        if chosen == tuple(range(chosen[0], chosen[0] + len(chosen))):  # a view, not a copy
            return self.values[rows, :, chosen[0] : chosen[0] + len(chosen)]
        return self.values[rows][..., list(chosen)]


def to_rgb(samples: Samples) -> tuple[np.ndarray, np.ndarray | None]:
    """Convert to uint8 [H, W, 3], and bool [H, W] that is False where there is no data; None: nowhere.

    8-bit colours stay as they are. Raises DecodeError for colours and numbers that have no RGB.
    """
    refuse_what_has_no_rgb(samples)
    valid = where_valid(samples)
    line = _line(samples, valid) if needs_line(samples) else None
    return by_line(samples, line), valid


def needs_line(samples: Samples) -> bool:
    """Tell whether the numbers are stretched to 8 bits by one line for all of a scene."""
    return not samples.is_narrow and samples.bands.photometric not in (PALETTE, CMYK)


def by_line(samples: Samples, line: Line | None) -> np.ndarray:
    """Convert to uint8 [H, W, 3] by a line that is known; None where none is needed or nothing holds data."""
    if samples.is_narrow and samples.bits == 8 and samples.bands.photometric in (RGB, YCBCR, BLACK_IS_ZERO):
        return _repeated(samples.colours(slice(None)))
    pixels = np.empty((*samples.values.shape[:2], 3), np.uint8)
    for rows in samples.blocks():
        pixels[rows] = _in_colours(samples, samples.colours(rows), line)
    return pixels


def refuse_what_has_no_rgb(samples: Samples) -> None:
    """Raise DecodeError for colours and numbers that have no RGB."""
    values, photometric, found = samples.values, samples.bands.photometric, len(samples.bands.colours)
    if values.dtype.kind not in "buif":
        raise DecodeError(f"samples are {values.dtype}, not whole or floating-point numbers")
    needed = {RGB: 3, YCBCR: 3, CMYK: 4}.get(photometric, 1)
    if found < needed:
        raise DecodeError(f"{found} bands of colour, {needed} are needed")
    if photometric == CMYK and values.dtype.kind != "u":
        raise DecodeError(f"CMYK of {values.dtype} numbers")
    palette = samples.palette
    if photometric == PALETTE and (palette is None or palette.ndim != 2 or len(palette) != 3):
        raise DecodeError("a palette is missing")
    if photometric == PALETTE and values.dtype.kind not in "bu":
        raise DecodeError(f"colours of a palette chosen by {values.dtype} numbers")


def where_valid(samples: Samples) -> np.ndarray | None:
    """Return bool [H, W], False where there is no data; None when that is nowhere."""
    by_value = (
        samples.nodata is not None or samples.bands.alpha is not None or samples.values.dtype.kind == "f"
    )
    if samples.there is None and not by_value:
        return None
    valid = np.ones(samples.values.shape[:2], bool)
    for rows in samples.blocks():
        colours, sign = samples.colours(rows), valid[rows]
        if samples.there is not None:
            sign &= samples.there[rows]
        empty = _empty(colours, samples.nodata)
        if empty is not None:
            sign &= ~empty.all(axis=2)
        if samples.bands.alpha is not None:
            sign &= samples.values[rows, :, samples.bands.alpha] != 0
        if colours.dtype.kind == "f":
            sign &= np.isfinite(colours).all(axis=2)
    return None if valid.all() else valid


def _empty(colours: np.ndarray, nodata: float | None) -> np.ndarray | None:
    """Return which samples hold the value that stands for no data: bool [h, W, C]; None for none."""
    if nodata is None:
        return None
    if np.isnan(nodata):
        return np.isnan(colours) if colours.dtype.kind == "f" else None
    if colours.dtype.kind == "f":
        return _nearly(colours, colours.dtype.type(nodata))
    whole = int(nodata) if np.isfinite(nodata) else None  # GDAL cuts it off
    limits = np.iinfo(colours.dtype) if colours.dtype.kind in "iu" else None
    if whole is None or (limits and not limits.min <= whole <= limits.max):
        return None
    empty: np.ndarray = colours == whole
    return empty


def _nearly(numbers: np.ndarray, wanted: np.floating) -> np.ndarray:
    """Compare as GDAL's ARE_REAL_EQUAL does: up to the rounding of its text; all that is huge is equal."""
    with np.errstate(over="ignore", invalid="ignore"):
        gap: np.ndarray = np.abs(numbers - wanted)
        near = gap < np.finfo(numbers.dtype).eps * np.abs(numbers + wanted) * 2
    same: np.ndarray = np.logical_or(near, numbers == wanted)
    return same


def counted(samples: Samples, valid: np.ndarray | None, rows: slice) -> np.ndarray:
    """Return the samples of some rows that hold data, flat."""
    colours = samples.colours(rows)
    empty = _empty(colours, samples.nodata)
    keep = None if valid is None else np.broadcast_to(valid[rows, :, None], colours.shape)
    if empty is not None:
        keep = ~empty if keep is None else keep & ~empty
    return colours.reshape(-1) if keep is None else colours[keep]


def _line(samples: Samples, valid: np.ndarray | None) -> Line | None:
    def blocks() -> Iterator[np.ndarray]:
        return (counted(samples, valid, rows) for rows in samples.blocks())

    return line_through(blocks)


def line_through(blocks: Callable[[], Iterator[np.ndarray]]) -> Line | None:
    """Find what is stretched to 0, and the gain from there; None where no sample holds data.

    blocks: gives all samples that hold data, flat, in the order of the rows; it is gone through twice.
    """
    total = sum(block.size for block in blocks())
    step, start, picked = max(1, total // MAX_COUNTED), 0, [np.empty(0)]
    for block in blocks():
        picked.append(block[-start % step :: step].astype(np.float64))
        start += block.size
    sample = np.concatenate(picked)
    if not sample.size:
        return None
    low, high = np.percentile(sample, (LOW, HIGH))
    if not high > low:
        low, high = float(sample.min()), float(sample.max())
    return low, 255 / (high - low) if high > low else 0.0


def _in_colours(samples: Samples, colours: np.ndarray, line: Line | None) -> np.ndarray:
    """Return uint8 [h, W, 3] of some rows."""
    photometric = samples.bands.photometric
    if samples.palette is not None and photometric == PALETTE:
        return _by_palette(colours[..., 0], samples.palette)
    if photometric == CMYK:
        ink = 1 - colours.astype(np.float32) / np.float32(2**samples.bits - 1)
        return np.rint(255 * ink[..., :3] * ink[..., 3:]).astype(np.uint8)
    if samples.is_narrow:
        eight = _widened(colours, samples.bits)
    else:
        eight = np.zeros(colours.shape, np.uint8) if line is None else _stretched(colours, *line)
    return _repeated(255 - eight if photometric == WHITE_IS_ZERO else eight)


def _repeated(colours: np.ndarray) -> np.ndarray:
    """Repeat one band to [h, W, 3]; three stay as they are."""
    return np.ascontiguousarray(np.broadcast_to(colours, (*colours.shape[:2], 3)))


def _widened(colours: np.ndarray, bits: int) -> np.ndarray:
    """Scale 1 to 8 bits to 0..255."""
    if bits == 8:
        return colours
    wide: np.ndarray = colours.astype(np.uint16) * 255 // (2**bits - 1)
    return wide.astype(np.uint8)


def _stretched(colours: np.ndarray, low: float, gain: float) -> np.ndarray:
    """Stretch to uint8; NaN becomes 0."""
    with np.errstate(invalid="ignore", over="ignore"):
        wide = np.clip((colours.astype(np.float64) - low) * gain, 0, 255)
    return np.rint(np.nan_to_num(wide, nan=0.0, copy=False)).astype(np.uint8)


def _by_palette(indices: np.ndarray, palette: np.ndarray) -> np.ndarray:
    colours = palette.T
    if colours.max(initial=0) > 255:  # TIFF stores 16 bits of each; some writers only 8
        colours = colours >> 8
    if indices.max(initial=0) >= len(colours):
        raise DecodeError("a pixel has a colour that the palette does not have")
    return colours.astype(np.uint8)[indices.astype(np.intp)]
