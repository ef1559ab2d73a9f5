"""Samples of whole TIFF pages by libtiff, through imagecodecs: exact, without the GIL, damage is an error.

imagecodecs.tiff_decode leaves JPEG, CMYK and YCbCr to libtiff's RGBA reader, which fills damage up in
silence: these are for infer.read.tiff.
"""

from __future__ import annotations

import mmap
from pathlib import Path

import imagecodecs
import numpy as np

from infer.errors import DecodeError
from infer.plan.tiff_header import Header
from infer.process.text import first_line

# Whose damage it reports: none, LZW, Deflate (two numbers), PackBits, LZMA, ZSTD, WebP
CODECS = frozenset((1, 5, 8, 32946, 32773, 34925, 50000, 50001))
BITS = (8, 16, 32, 64)  # of a sample; others are unpacked wrongly where a row does not fill its last byte
_MAP_NORESERVE = 0x4000  # linux/mman.h: no memory is set aside for what is not changed
_READ_AND_WRITE = mmap.PROT_READ | mmap.PROT_WRITE


class NotForLibtiff(Exception):  # noqa: N818  no mistake of anybody: another reader may do
    """libtiff, as it is built into imagecodecs, has no such samples."""


def encoded(path: Path, header: Header) -> np.ndarray:
    """uint8 [N], the file; changes to it stay in memory. One far larger than its pixels is only mapped.

    Raises DecodeError where it cannot be read.
    """
    try:
        if path.stat().st_size <= 2 * header.bytes + 2**20:
            return np.fromfile(path, np.uint8)
        with open(path, "rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE | _MAP_NORESERVE, _READ_AND_WRITE)
        return np.frombuffer(mapped, np.uint8)
    except (OSError, ValueError) as error:  # gone or emptied since it was listed
        raise DecodeError(getattr(error, "strerror", None) or str(error)) from error


def read_plain(path: Path, header: Header) -> np.ndarray:
    """uint8 [H, W, 3] of a scene that is plain RGB by its header; raises DecodeError."""
    try:
        pixels = decode(encoded(path, header), header.page, planar=False)
    except NotForLibtiff as error:
        raise DecodeError(str(error)) from error
    if pixels.shape != (*header.shape, 3) or pixels.dtype != np.uint8:
        raise DecodeError(f"decoded to {pixels.dtype} {pixels.shape}, the header says {header.shape}")
    return pixels


def decode(file: np.ndarray, page: int, planar: bool) -> np.ndarray:
    """[H, W, S] as stored, of one of a file's pages.

    planar: the page has each of several bands by itself. Raises DecodeError for damage, NotForLibtiff for
    samples that it does not know.
    """
    try:
        values = imagecodecs.tiff_decode(file, page)  # type: ignore[arg-type]  # it takes any buffer
    except MemoryError:
        raise
    except ValueError as error:
        raise NotForLibtiff(str(error)) from error
    except IndexError as error:
        raise DecodeError("libtiff: a tag is missing, or cannot be what it is") from error
    except Exception as error:
        raise DecodeError(first_line(f"libtiff: {error}")) from error
    if values.ndim == 2:
        return values[..., np.newaxis]
    if values.ndim != 3:
        raise DecodeError(f"an image with the axes {values.shape}")
    return np.moveaxis(values, 0, -1) if planar else values
