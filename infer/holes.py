"""Where a TIFF says, beside nodata and alpha, that it has no data: GDAL's sparse files and mask pages."""

from __future__ import annotations

import numpy as np
import tifffile

from infer.decode import DecodeError

_MASK = 4  # in a page's kind: which pixels of another page are there (TIFF 6.0, NewSubfileType)
MOST_PADDING = 2**24  # samples by which a tile may be larger than four times its image
MOST_PAGES = 8  # that are looked at for a mask


def covered(page: tifffile.TiffPage) -> np.ndarray | None:
    """bool [H, W], False where there is no data; None where the whole page has some.

    A strip or tile of size 0 at place 0 was never written: it holds nothing. Raises DecodeError for one that
    lies beyond the end of the file, which is then cut short.
    """
    size = page.parent.filehandle.size
    places = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    absent = np.array([not place and not count for place, count in places])
    if absent.all() or any((not p) != (not c) or p + c > size for p, c in places):
        raise DecodeError("the file is cut short: part of the image is missing")
    written = None if not absent.any() else _pixels_of(page, ~absent)
    masked = _by_mask(page)
    return masked if written is None else written if masked is None else written & masked


def _pixels_of(page: tifffile.TiffPage, chunks: np.ndarray) -> np.ndarray:
    """bool [H, W] from one value for each strip or tile, in the file's order: row by row, band by band."""
    height, width = (
        (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    )
    rows, columns = -(-page.imagelength // height), -(-page.imagewidth // width)
    if page.imagedepth > 1 or chunks.size % (rows * columns):
        raise DecodeError("the file is cut short: part of the image is missing")
    grid = chunks.reshape(-1, rows, columns).all(axis=0)
    pixels = np.repeat(np.repeat(grid, height, axis=0), width, axis=1)
    return pixels[: page.imagelength, : page.imagewidth]


def _by_mask(page: tifffile.TiffPage) -> np.ndarray | None:
    """What the mask page of an image says, where there is one."""
    pages = page.parent.pages
    for index in range(page.index + 1, page.index + MOST_PAGES):
        try:
            other = pages[index]
        except IndexError:
            return None
        if int(other.subfiletype) & _MASK:
            refuse_huge_chunks(other)
            if other.shape == (page.imagelength, page.imagewidth):
                return other.asarray() != 0
    return None


def refuse_huge_chunks(page: tifffile.TiffPage) -> None:
    """A tile far larger than its image would be decoded in full: the limits would not hold."""
    if np.prod(page.chunks, dtype=float) > MOST_PADDING + 4 * np.prod(page.shape, dtype=float):
        raise DecodeError(f"tiles of {page.chunks} samples for an image of {page.shape}")
