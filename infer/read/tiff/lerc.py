"""LERC strips and tiles: their samples, and their masks, of which libtiff loses what no sample can hold.

The head of a stream: Lerc2.h and CntZImage.h of Esri's LERC 4.0. All numbers in it are little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import imagecodecs
import numpy as np
import tifffile

from infer.errors import DecodeError
from infer.read.bands import ALPHA_KINDS
from infer.read.tiff.parts import Part, chunk, dtype_of, parts_of

LERC = 34887
_ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class _Size:
    """Pixels of a stream, and values of each that lie together."""

    height: int
    width: int
    depth: int

    def shape(self, bands: int) -> tuple[int, ...]:
        """Return the shape of what LERC decodes if it has so many bands."""
        if bands == 1:
            return self.height, self.width
        return (self.height, self.width, bands) if self.depth > 1 else (bands, self.height, self.width)


def read_lerc(page: tifffile.TiffPage) -> tuple[np.ndarray, np.ndarray | None]:
    """Read [H, W, S] as stored, and bool [H, W], False where a stream says there is no data; None: nowhere.

    Alpha that was made a mask of is made of it again; floating-point values that are not valid are NaN.
    Raises DecodeError for damage and for a stream of another size than its place, before it is decoded.
    """
    values = np.zeros((page.imagelength, page.imagewidth, page.samplesperpixel), dtype_of(page))
    valid = np.ones(values.shape[:2], bool)
    for part in parts_of(page):
        samples, mask = _decode(page, part)
        values[(*part.window, part.bands)] = samples[: part.shape[0], : part.shape[1]]
        if mask is not None:
            valid[part.window] &= mask[: part.shape[0], : part.shape[1]]
    return values, None if valid.all() else valid


def _decode(page: tifffile.TiffPage, part: Part) -> tuple[np.ndarray, np.ndarray | None]:
    """Decode [h, w, bands] and bool [h, w] of one stream, which may reach beyond the image."""
    (height, width), seen, bands = chunk(page), part.shape, part.bands.stop - part.bands.start
    dtype = dtype_of(page)
    stream = _inflated(part.stream(page), 2 * height * width * bands * dtype.itemsize + 2**16)
    size = _size(stream)
    if size is None:
        raise DecodeError("a LERC stream that does not say its size")
    if not (seen[0] <= size.height <= height and seen[1] <= size.width <= width):
        raise DecodeError(f"a LERC of {size.width}x{size.height} pixels for {seen[1]}x{seen[0]} of the image")
    has_alpha = bands > 1 and bool(page.extrasamples) and int(page.extrasamples[-1]) in ALPHA_KINDS
    for stored in (bands, bands - 1) if has_alpha else (bands,):
        try:  # an array of another shape or type than the stream's is refused before anything is decoded
            out = np.empty(size.shape(stored), dtype)
            samples, masks = imagecodecs.lerc_decode(stream, masks=True, out=out)
            break
        except ValueError as error:
            reason = str(error)
    else:
        raise DecodeError(f"a LERC of other samples than {bands} of {dtype}: {reason}")
    samples = _bands_last(samples, size, stored)
    mask: np.ndarray | None = None
    if masks is not None:
        mask = np.logical_and.reduce(masks.reshape(-1, size.height, size.width), axis=0)
    if page.parent.byteorder == ">":  # libtiff swaps the bytes before it encodes them
        samples = samples.byteswap()
    if mask is not None and dtype.kind == "f":
        samples[~mask] = np.nan
    return (samples, mask) if stored == bands else (_with_alpha(samples, mask), None)


def _inflated(stream: bytes, limit: int) -> bytes | bytearray:
    """Unpack LERC inside ZSTD or Deflate, of so many bytes at most."""
    if stream[:4] == _ZSTD:
        return imagecodecs.zstd_decode(stream, out=limit)
    return imagecodecs.zlib_decode(stream, out=limit) if stream[:1] == b"\x78" else stream


def _size(stream: bytes | bytearray) -> _Size | None:
    try:
        if stream[:6] == b"Lerc2 ":
            (version,) = struct.unpack_from("<i", stream, 6)
            at = 14 if version >= 3 else 10  # a checksum comes between
            height, width = struct.unpack_from("<2i", stream, at)
            return _Size(height, width, struct.unpack_from("<i", stream, at + 8)[0] if version >= 4 else 1)
        if stream[:10] == b"CntZImage ":
            height, width = struct.unpack_from("<2i", stream, 18)
            return _Size(height, width, 1)
    except struct.error:
        pass
    return None


def _bands_last(samples: np.ndarray, size: _Size, bands: int) -> np.ndarray:
    """Return what LERC has decoded as [h, w, bands]."""
    if bands == 1:
        return samples.reshape(size.height, size.width, 1)
    return samples if size.depth > 1 else np.moveaxis(samples, 0, -1)


def _with_alpha(samples: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Append alpha to [h, w, bands]: all there is where the mask says so, 0 elsewhere."""
    there = np.ones(samples.shape[:2], bool) if mask is None else mask
    most = 1 if samples.dtype.kind == "f" else np.iinfo(samples.dtype).max
    return np.dstack([samples, np.where(there, samples.dtype.type(most), samples.dtype.type(0))])
