"""The strips or tiles of a TIFF's page: where they lie, which were never written, and what cannot be true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import tifffile

from infer.errors import DecodeError
from infer.plan.tiff_header import MAX_PADDING

SEPARATE = 2  # planar configuration: each band in parts of its own
PREDICTED = (5, 8, 32946, 34925, 50000)  # LZW, Deflate, LZMA, ZSTD: codecs that the Predictor tag is for
_UNCOMPRESSED = 1
_PLACES, _COUNTS = (273, 324), (279, 325)  # tags of strips and of tiles
_BYTES = {3: 2, 4: 4, 9: 4, 13: 4, 16: 8, 17: 8, 18: 8}  # of the types that hold them


@dataclass(frozen=True)
class Part:
    """A strip or tile that was written: its number, its bands, and the pixels that it has in the image."""

    index: int
    bands: slice
    window: tuple[slice, slice]
    shape: tuple[int, int]

    def stream(self, page: tifffile.TiffPage) -> bytes:
        """Read its bytes in the file."""
        page.parent.filehandle.seek(page.dataoffsets[self.index])
        return page.parent.filehandle.read(page.databytecounts[self.index])


def parts_of(page: tifffile.TiffPage) -> Iterator[Part]:
    """Iterate over the parts of the page that were written, in the order of the file's tags."""
    height, width = chunk(page)
    rows, columns, separate = _grid(page)
    together = page.samplesperpixel // separate
    for index in range(rows * columns * separate):
        if not page.dataoffsets[index]:
            continue
        band, place = divmod(index, rows * columns)
        row, column = place // columns * height, place % columns * width
        shape = min(height, page.imagelength - row), min(width, page.imagewidth - column)
        window = slice(row, row + shape[0]), slice(column, column + shape[1])
        yield Part(index, slice(band * together, (band + 1) * together), window, shape)


def written_parts(page: tifffile.TiffPage) -> np.ndarray:
    """Find which strips or tiles were written, bool [bands, rows, columns]; one band stands for all together.

    Counts of bytes that are missing or wrong are mended in the page where they can be known. A part of size 0
    at place 0 was never written (GDAL's sparse files). Raises DecodeError where there are fewer of them than
    the image has, or one ends beyond the file: readers would put zeros there, which pass for open water.
    """
    size = page.parent.filehandle.size
    rows, columns, bands = _grid(page)
    _mend_counts(page, size)
    places = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    if len(places) < rows * columns * bands or any((not p) != (not c) or p + c > size for p, c in places):
        raise DecodeError("the file is cut short: part of the image is missing")
    written = np.array([place > 0 for place, _ in places[: rows * columns * bands]])
    if not written.any():
        raise DecodeError("no part of the image was ever written")
    return written.reshape(bands, rows, columns)


def states_counts(page: tifffile.TiffPage) -> bool:
    """Tell whether the page's tags say how many bytes its parts have, as `written_parts` has found them.

    libtiff believes them, and wants to have them.
    """
    stated = next((page.tags.valueof(code) for code in _COUNTS if code in page.tags), ())
    stated = (stated,) if isinstance(stated, int) else tuple(stated)
    return stated[: len(page.databytecounts)] == tuple(page.databytecounts)


def page_of(tiff: tifffile.TiffFile, number: int) -> tifffile.TiffPage:
    """Return one of a file's images with all of its tags; raises DecodeError where it cannot be one."""
    page = tiff.pages[number] if number else tiff.pages.first
    if not isinstance(page, tifffile.TiffPage):
        raise DecodeError(f"image {number} has no tags of its own")
    return page


def dtype_of(page: tifffile.TiffPage) -> np.dtype:
    """Return the type of the page's samples; raises DecodeError where there is none for them."""
    if page.dtype is None:
        raise DecodeError(f"samples of {page.bitspersample} bits and format {page.sampleformat}")
    return page.dtype


def chunk(page: tifffile.TiffPage) -> tuple[int, int]:
    """Return height and width of a strip or tile, in pixels."""
    if page.is_tiled:
        return max(1, page.tilelength), max(1, page.tilewidth)
    return max(1, min(page.rowsperstrip, page.imagelength)), page.imagewidth


def refuse_huge_chunks(page: tifffile.TiffPage) -> None:
    """Raise DecodeError for tiles far larger than their image: decoded in full they would pass the limits."""
    if np.prod(page.chunks, dtype=float) > MAX_PADDING + 4 * np.prod(page.shape, dtype=float):
        raise DecodeError(f"tiles of {page.chunks} samples for an image of {page.shape}")


def pixels_of(page: tifffile.TiffPage, grid: np.ndarray) -> np.ndarray:
    """Widen bool [rows, columns] of strips or tiles to bool [H, W]."""
    height, width = chunk(page)
    pixels = np.repeat(np.repeat(grid, height, axis=0), width, axis=1)
    return pixels[: page.imagelength, : page.imagewidth]


def lend_places(
    file: np.ndarray, page: tifffile.TiffPage, written: np.ndarray, lent: tuple[int, int] | None = None
) -> None:
    """Change `file`, uint8 [N]: parts that were never written borrow the place of one that was.

    lent: place and count of that part, None for the first that was written.

    libtiff refuses files with such parts. What is decoded in their places holds no data all the same.
    """
    absent = ~written.reshape(-1)
    donor = int(np.argmin(absent))
    known = [(code, which) for which, codes in enumerate((_PLACES, _COUNTS)) for code in codes]
    for code, which in ((code, which) for code, which in known if code in page.tags):
        tag = page.tags[code]
        size = _BYTES.get(int(tag.dtype))
        if size is None or tag.count < absent.size:
            raise DecodeError("the places of its parts are stored in a way that is not known")
        stored = file[tag.valueoffset : tag.valueoffset + size * absent.size]
        values = stored.view(f"{page.parent.byteorder}u{size}")
        values[absent] = values[donor] if lent is None else lent[which]


def _grid(page: tifffile.TiffPage) -> tuple[int, int, int]:
    """Return rows and columns of strips or tiles, and how many bands have some of their own."""
    if page.imagedepth > 1:
        raise DecodeError(f"an image with the axes {page.axes}")
    height, width = chunk(page)
    bands = page.samplesperpixel if page.planarconfig == SEPARATE else 1
    return -(-page.imagelength // height), -(-page.imagewidth // width), bands


def _mend_counts(page: tifffile.TiffPage, size: int) -> None:
    lone_zero = len(page.dataoffsets) == 1 and page.databytecounts[:1] == (0,)
    if page.compression == _UNCOMPRESSED and not _is_subsampled(page):
        page.databytecounts = _plain_counts(page)
    elif not any(code in page.tags for code in _COUNTS) or lone_zero:
        page.databytecounts = _counts_to_the_next(page.dataoffsets, page.offset, size)


def _is_subsampled(page: tifffile.TiffPage) -> bool:
    return int(page.photometric) == 6 and page.planarconfig != SEPARATE


def _plain_counts(page: tifffile.TiffPage) -> tuple[int, ...]:
    """Return the bytes of each strip or tile of uncompressed samples, where its place is known.

    These can be reckoned, and the counts of some writers are 0, too large or too small.
    """
    height, width = chunk(page)
    together = 1 if page.planarconfig == SEPARATE else page.samplesperpixel
    row = -(-width * together * int(np.max(page.bitspersample)) // 8)
    rows = [height] * len(page.dataoffsets)
    if not page.is_tiled:
        per_band = -(-page.imagelength // height)
        rows = [min(height, page.imagelength - i % per_band * height) for i in range(len(rows))]
    stated = [*page.databytecounts, *[0] * len(rows)]
    return tuple(
        row * lines if place else count
        for place, lines, count in zip(page.dataoffsets, rows, stated, strict=False)
    )


def _counts_to_the_next(places: tuple[int, ...], directory: int, size: int) -> tuple[int, ...]:
    """Let each part reach to the next one, the directory or the end: decoders know where their data end."""
    ends = dict(pairwise(sorted({*places, directory, max(size, *places) + 1})))
    return tuple(min(ends[place], max(size, place)) - place if place else 0 for place in places)
