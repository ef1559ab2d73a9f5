"""YCbCr outside of JPEG (TIFF 6.0, section 21), in libtiff's own arithmetic, to the bit.

libtiff's RGBA reader is not used: it fills up what is damaged in silence, cannot read uncompressed tiles, and
mixes up colours that are subsampled by four in both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import imagecodecs
import numpy as np
import tifffile

from infer.errors import DecodeError
from infer.plan.tiff_header import Header
from infer.read.tiff.parts import PREDICTED, SEPARATE, Part, chunk, parts_of

_UNCOMPRESSED = 1
# Tags, and what stands for them where they are absent
_COEFFICIENTS, _SUBSAMPLING, _REFERENCE = 529, 530, 532
_LUMA, _BLACK_AND_WHITE = (0.299, 0.587, 0.114), (0, 255, 128, 255, 128, 255)
_INFLATE: dict[int, Callable[..., bytes | bytearray]] = {
    5: imagecodecs.lzw_decode,
    8: imagecodecs.zlib_decode,
    32946: imagecodecs.zlib_decode,
    32773: imagecodecs.packbits_decode,
    34925: imagecodecs.lzma_decode,
    50000: imagecodecs.zstd_decode,
}
_HORIZONTAL = 2  # a predictor
_SHIFT = 16  # bits of libtiff's fixed-point numbers
_HALF = 1 << (_SHIFT - 1)


def read_ycbcr(page: tifffile.TiffPage, header: Header) -> np.ndarray:
    """Read uint8 [H, W, 3] RGB as stored, not turned. Raises DecodeError where a part is short or damaged."""
    if header.bits != 8 or header.samples != 3:
        raise DecodeError(f"YCbCr of {header.samples} samples of {header.bits} bits")
    if page.compression not in (_UNCOMPRESSED, *_INFLATE):
        raise DecodeError(f"YCbCr stored by codec {int(page.compression)}")
    across, down = (int(value) for value in page.tags.valueof(_SUBSAMPLING, (2, 2)))
    if page.planarconfig == SEPARATE:
        across = down = 1 if (across, down) == (1, 1) else 0
    if across not in (1, 2, 4) or down not in (1, 2, 4):
        raise DecodeError(f"chroma subsampled by {across} and {down}")
    return to_rgb_of_ycbcr(page, _stored(page, across, down))


def to_rgb_of_ycbcr(page: tifffile.TiffPage, stored: np.ndarray) -> np.ndarray:
    """Change uint8 [H, W, 3] of Y, Cb and Cr to RGB and return it; raises DecodeError for other samples."""
    if stored.dtype != np.uint8 or stored.shape[2] != 3:
        raise DecodeError(f"YCbCr of {stored.shape[2]} samples of {stored.dtype}")
    tables = _tables(_floats(page, _COEFFICIENTS, _LUMA), _floats(page, _REFERENCE, _BLACK_AND_WHITE))
    step = max(1, 2**20 // page.imagewidth)  # rows: the numbers on the way are four times as wide
    for row in range(0, page.imagelength, step):
        _to_rgb(stored[row : row + step], tables)
    return stored


def _stored(page: tifffile.TiffPage, across: int, down: int) -> np.ndarray:
    """Decode Y, Cb and Cr of each pixel to uint8 [H, W, 3]; 0 in parts that were never written."""
    pixels = np.zeros((page.imagelength, page.imagewidth, 3), np.uint8)
    for part in parts_of(page):
        shape = chunk(page) if page.is_tiled else part.shape
        decoded = _part(page, part, shape, across, down)
        pixels[(*part.window, part.bands)] = decoded[: part.shape[0], : part.shape[1]]
    return pixels


def _part(page: tifffile.TiffPage, part: Part, shape: tuple[int, int], across: int, down: int) -> np.ndarray:
    """Decode one strip or tile to uint8 [h, w, bands]."""
    together = part.bands.stop - part.bands.start
    rows, columns = -(-shape[0] // down), -(-shape[1] // across)  # of units that share their colours
    unit = across * down + 2 if together == 3 else 1
    wanted = rows * columns * unit
    data: bytes | bytearray = part.stream(page)
    if page.compression in _INFLATE:
        data = _INFLATE[int(page.compression)](data, out=2 * wanted + 1024)
    if len(data) < wanted:
        raise DecodeError(f"{len(data)} bytes of YCbCr where {wanted} are needed")
    units = np.frombuffer(data, np.uint8, wanted).reshape(rows, columns, unit)
    if page.predictor == _HORIZONTAL and page.compression in PREDICTED:
        if (across, down) != (1, 1):
            raise DecodeError("a predictor on subsampled YCbCr")
        units = np.cumsum(units, axis=1, dtype=np.uint8)
    if together == 1:
        return units
    squares = units[..., :-2].reshape(rows, columns, down, across).swapaxes(1, 2)
    luma = squares.reshape(rows * down, columns * across, 1)
    chroma = np.repeat(np.repeat(units[..., -2:], down, axis=0), across, axis=1)
    return np.concatenate([luma, chroma], axis=2)


def _floats(page: tifffile.TiffPage, tag: int, default: Sequence[float]) -> list[np.float32]:
    """Return a tag's fractions, as single-precision numbers."""
    stored = page.tags.valueof(tag)
    if stored is None or len(stored) != 2 * len(default):
        return [np.float32(value) for value in default]
    pairs = zip(stored[::2], stored[1::2], strict=True)
    return [np.float32(above / below if below else 0) for above, below in pairs]


def _tables(luma: list[np.float32], ends: list[np.float32]) -> tuple[np.ndarray, ...]:
    """Return int32 [256] each: what Y adds to all, Cr to red, Cb to blue; Cr and Cb to green (shifted)."""
    red, green, blue = luma
    two = np.float32(2)
    to_red, to_blue = two - two * red, two - two * blue
    if not green:
        raise DecodeError("YCbCr coefficients without green")
    fixed = [_fixed(factor) for factor in (to_red, red * to_red / green, to_blue, blue * to_blue / green)]
    code = np.arange(256, dtype=np.int32)
    y = _values(code, ends[0], ends[1], 255)
    cb = _values(code - 128, ends[2] - 128, ends[3] - 128, 127)
    cr = _values(code - 128, ends[4] - 128, ends[5] - 128, 127)
    return (
        y,
        (fixed[0] * cr + _HALF) >> _SHIFT,
        (fixed[2] * cb + _HALF) >> _SHIFT,
        -fixed[1] * cr,
        -fixed[3] * cb + _HALF,
    )


def _fixed(factor: np.float32) -> int:
    return int(float(min(max(factor, np.float32(0)), np.float32(2))) * (1 << _SHIFT) + 0.5)


def _values(code: np.ndarray, black: np.float32, white: np.float32, whole: int) -> np.ndarray:
    """Return int32 [256]: codes between black and white as numbers up to `whole`."""
    range_ = white - black if white != black else np.float32(1)
    values: np.ndarray = (code - int(black)).astype(np.float32) * np.float32(whole) / range_
    clipped: np.ndarray = np.clip(values, -4096, 4096)
    return clipped.astype(np.int32)


def _to_rgb(pixels: np.ndarray, tables: tuple[np.ndarray, ...]) -> None:
    """Change uint8 [h, W, 3] from YCbCr to RGB."""
    of_y, cr_to_red, cb_to_blue, cr_to_green, cb_to_green = tables
    y, cb, cr = of_y[pixels[..., 0]], pixels[..., 1].copy(), pixels[..., 2].copy()
    pixels[..., 0] = np.clip(y + cr_to_red[cr], 0, 255)
    pixels[..., 1] = np.clip(y + ((cb_to_green[cb] + cr_to_green[cr]) >> _SHIFT), 0, 255)
    pixels[..., 2] = np.clip(y + cb_to_blue[cb], 0, 255)
