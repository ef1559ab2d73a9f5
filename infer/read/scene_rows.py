"""A scene that is too large for memory, some rows at a time: the pixels are those that read_scene gives.

Each piece is a whole number of rows of tiles, or of strips, decoded as a TIFF of its own by the usual reader.
What depends on the scene as a whole, the line by which wide samples are stretched, is found in two passes
before.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import tifffile

from infer.errors import DecodeError
from infer.plan.by_rows import MAX_PART_BYTES
from infer.plan.tiff_header import Header
from infer.process.limits import cpus
from infer.read.bands import Bands
from infer.read.rgb import (
    Line,
    Samples,
    by_line,
    counted,
    line_through,
    needs_line,
    refuse_what_has_no_rgb,
    where_valid,
)
from infer.read.tiff.codecs import samples_of
from infer.read.tiff.excerpt import Layout, excerpt, layout_of
from infer.read.tiff.parts import (
    lend_places,
    page_of,
    pixels_of,
    refuse_huge_chunks,
    states_counts,
    written_parts,
)
from infer.read.tiff.tifffile_reader import (
    all_damage_as_one_kind,
    is_clear,
    notes_of,
    refuse_what_would_be_misread,
    samples_in,
    turned,
)

PIECE = 2**25  # bytes of samples that are decoded together at most, where one row of tiles has no more
PIECES = 2**26  # bytes of all that is being decoded, one piece aside
_UNCOMPRESSED, _YCBCR = 1, 6
Result = TypeVar("Result")


class Rows(NamedTuple):
    """pixels: uint8 [h, W, 3] RGB. valid: bool [h, W], False where there is no data; None: all is."""

    pixels: np.ndarray
    valid: np.ndarray | None = None


@dataclass
class _Seen:
    """What all pieces of a scene have shown."""

    bands: Bands | None = None
    valid: bool = False  # somewhere
    clear: bool = True  # everywhere, by alpha


class SceneRows:
    """Iterating gives all rows of the upright scene, from the top, as often as wanted. Use it in `with`.

    seconds: spent decoding so far, in all threads together. piece: bytes of samples decoded together.
    Raises DecodeError, with the path, where read_scene would.
    """

    def __init__(self, path: Path, header: Header, piece: int = PIECE) -> None:
        self.seconds = 0.0
        self._path, self._header, self._piece = path, header, piece
        self._seen = _Seen()
        self._open = ExitStack()

    def __enter__(self) -> SceneRows:
        logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it logs what is reported in one line
        try:
            self._try(self._look)
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __iter__(self) -> Iterator[Rows]:
        line = self._try(lambda: self._line)
        return self._in_order(partial(self._rows, line))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of how the scene was read, once all of its rows were."""
        seen = self._seen
        notes = [] if seen.bands is None else notes_of(seen.bands, not seen.valid, seen.clear)
        return (*notes, *self._header.notes)

    def _look(self) -> None:
        """Open the file and find its parts."""
        try:
            self._file = os.open(self._path, os.O_RDONLY)
            self._open.callback(os.close, self._file)
        except OSError as error:
            raise DecodeError(error.strerror or str(error)) from error
        tiff = self._open.enter_context(tifffile.TiffFile(self._path))
        self._page = page_of(tiff, self._header.page)
        refuse_what_would_be_misread(self._page, self._header)
        refuse_huge_chunks(self._page)
        self._layout = self._layout_of(self._page)
        self._states_counts = states_counts(self._page)
        self._mask: tuple[tifffile.TiffPage, Layout | None] | None = None
        if self._header.mask_page is not None:
            mask = page_of(tiff, self._header.mask_page)
            if mask.shape == (self._header.height, self._header.width):
                self._mask = mask, self._layout_of(mask) if any(mask.dataoffsets) else None

    def _layout_of(self, page: tifffile.TiffPage) -> Layout:
        row = page.imagewidth * int(np.max(page.bitspersample))
        row *= page.samplesperpixel if page.planarconfig == 1 else 1
        plain = page.compression == _UNCOMPRESSED and not page.is_tiled and page.photometric != _YCBCR
        layout = layout_of(page, written_parts(page), -(-row // 8) if plain else None, self._piece)
        if layout.height * row // 8 > MAX_PART_BYTES:
            raise DecodeError("its strips or tiles are too large to be decoded a few rows at a time")
        return layout

    @cached_property
    def _line(self) -> Line | None:
        """How wide samples are stretched; None where they are not."""
        first = self._samples(0, 1)
        refuse_what_has_no_rgb(first)
        if not needs_line(first):
            return None
        return line_through(lambda: self._in_order(_counted, upright=False))

    def _in_order(self, take: Callable[[Samples], Result], upright: bool = True) -> Iterator[Result]:
        """Decode all pieces, a few ahead of whoever iterates; give what `take` makes of each.

        upright: from the top of the upright scene, else from the top as stored.
        """
        parts, each = self._layout.places.shape[1], self._parts_of_a_piece
        firsts = list(range(0, parts, each))
        if upright and self._header.orientation in (3, 4):
            firsts.reverse()
        ahead = max(1, min(cpus(), 4, PIECES // self._bytes(each)))
        with ThreadPoolExecutor(ahead, "rows") as pool:
            waiting: deque[Future[Result]] = deque()
            try:
                for first in firsts:
                    waiting.append(pool.submit(self._piece_of, first, min(first + each, parts), take))
                    if len(waiting) > ahead:
                        yield self._try(waiting.popleft().result)
                while waiting:
                    yield self._try(waiting.popleft().result)
            finally:
                for left in waiting:
                    left.cancel()

    @property
    def _parts_of_a_piece(self) -> int:
        return max(1, self._piece // self._bytes(1))

    def _bytes(self, parts: int) -> int:
        """Return the bytes of the samples of so many rows of strips or tiles."""
        return max(1, self._header.bytes // self._header.height * self._layout.height * parts)

    def _piece_of(self, first: int, last: int, take: Callable[[Samples], Result]) -> Result:
        start = time.perf_counter()
        try:
            return take(self._samples(first, last))
        finally:
            self.seconds += time.perf_counter() - start

    def _samples(self, first: int, last: int) -> Samples:
        part = excerpt(self._file, self._page, self._layout, first, last)
        with part.open() as tiff:
            page = page_of(tiff, 0)
            header = replace(self._header, height=page.imagelength, page=0, mask_page=None)
            signs = []
            if not part.written.all():
                signs.append(pixels_of(page, np.logical_and.reduce(part.written, axis=0)))
            if self._mask is not None:
                top = first * self._layout.height
                signs.append(self._by_mask(*self._mask, top, top + page.imagelength))

            def encoded() -> np.ndarray:
                if part.written.all():
                    return np.frombuffer(part.content, np.uint8)
                content = np.frombuffer(bytearray(part.content), np.uint8)
                lend_places(content, page, part.written, part.donor)
                return content

            there = np.logical_and.reduce(signs) if signs else None
            samples = samples_in(page, header, there, encoded if self._states_counts else None)
            if samples.values.shape[:2] != (page.imagelength, self._header.width):
                raise DecodeError(f"decoded to {samples.values.shape[:2]} pixels")
            return samples

    def _by_mask(self, mask: tifffile.TiffPage, layout: Layout | None, top: int, bottom: int) -> np.ndarray:
        """Return what the mask of the image says of some of its rows."""
        if layout is None:  # a mask of which nothing was written says that there is nothing
            return np.zeros((bottom - top, self._header.width), bool)
        first, last = top // layout.height, -(-bottom // layout.height)
        with excerpt(self._file, mask, layout, first, last).open() as tiff:
            there: np.ndarray = samples_of(page_of(tiff, 0))[..., 0] != 0
        return there[top - first * layout.height :][: bottom - top]

    def _rows(self, line: Line | None, samples: Samples) -> Rows:
        refuse_what_has_no_rgb(samples)
        valid = where_valid(samples)
        seen = self._seen
        seen.bands = samples.bands
        seen.valid = seen.valid or valid is None or bool(valid.any())
        seen.clear = seen.clear and is_clear(samples)
        pixels = turned(by_line(samples, line), self._header.orientation)
        return Rows(pixels, None if valid is None else turned(valid, self._header.orientation))

    def _try(self, work: Callable[[], Result]) -> Result:
        try:
            with all_damage_as_one_kind():
                return work()
        except DecodeError as error:
            error.path = self._path
            raise
        except MemoryError:
            raise DecodeError("no memory to decode it", self._path) from None


def _counted(samples: Samples) -> np.ndarray:
    return counted(samples, where_valid(samples), slice(None))
