"""Where a TIFF says, beside nodata and alpha, that it has no data: GDAL's sparse files and mask pages."""

from __future__ import annotations

import numpy as np
import tifffile

from infer.read.decoder import DecodeError

_MASK = 4  # in a page's kind: which pixels of another page are there (TIFF 6.0, NewSubfileType)
_SEPARATE = 2  # of a page: each band in strips or tiles of its own
MOST_PADDING = 2**24  # samples by which a tile may be larger than four times its image
MOST_PAGES = 8  # that are looked at for a mask


def covered(page: tifffile.TiffPage) -> np.ndarray | None:
    """bool [H, W], False where there is no data; None where the whole page has some.

    A strip or tile of size 0 at place 0 was never written: it holds nothing. Raises DecodeError where there
    are fewer of them than the image has, or one lies beyond the end of the file: tifffile would put zeros
    there, which pass for open water.
    """
    size = page.parent.filehandle.size
    rows, columns, bands = _grid(page)
    if page.compression == 1:
        page.databytecounts = _plain_counts(page)
    places = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    if len(places) < rows * columns * bands or any((not p) != (not c) or p + c > size for p, c in places):
        raise DecodeError("the file is cut short: part of the image is missing")
    written = np.array([place > 0 for place, _ in places[: rows * columns * bands]])
    if not written.any():
        raise DecodeError("no part of the image was ever written")
    masked = _by_mask(page)
    if written.all():
        return masked
    there = _pixels_of(page, written.reshape(bands, rows, columns).all(axis=0))
    return there if masked is None else there & masked


def _grid(page: tifffile.TiffPage) -> tuple[int, int, int]:
    """Rows and columns of strips or tiles, and how many bands have some of their own."""
    if page.imagedepth > 1:
        raise DecodeError(f"an image with the axes {page.axes}")
    height, width = chunk(page)
    bands = page.samplesperpixel if page.planarconfig == _SEPARATE else 1
    return -(-page.imagelength // height), -(-page.imagewidth // width), bands


def _plain_counts(page: tifffile.TiffPage) -> tuple[int, ...]:
    """Bytes of each strip or tile of uncompressed samples, where its place is known.

    These can be reckoned, and the counts of some writers are 0 or too large.
    """
    height, width = chunk(page)
    together = 1 if page.planarconfig == _SEPARATE else page.samplesperpixel
    row = -(-width * together * int(np.max(page.bitspersample)) // 8)
    rows = [height] * len(page.dataoffsets)
    if not page.is_tiled:
        per_band = -(-page.imagelength // height)
        rows = [min(height, page.imagelength - i % per_band * height) for i in range(len(rows))]
    stated = [*page.databytecounts, *[0] * len(rows)]
    return tuple(
        0 if not place else row * lines if not count or count > row * lines else count
        for place, lines, count in zip(page.dataoffsets, rows, stated, strict=False)
    )


def chunk(page: tifffile.TiffPage) -> tuple[int, int]:
    """Height and width of a strip or tile, in pixels."""
    if page.is_tiled:
        return max(1, page.tilelength), max(1, page.tilewidth)
    return max(1, min(page.rowsperstrip, page.imagelength)), page.imagewidth


def _pixels_of(page: tifffile.TiffPage, grid: np.ndarray) -> np.ndarray:
    """bool [H, W] from bool [rows, columns] of strips or tiles."""
    height, width = chunk(page)
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
