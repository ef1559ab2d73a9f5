"""Masks of a scene that is never whole in memory, by the tiles that it would be cut into if it were.

A row of tiles needs as many rows of pixels as a tile is high; they go as soon as no tile wants them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from infer.network.padding import reflect
from infer.predict.predictor import Predictor
from infer.predict.tiles import Span, Tile
from infer.read.scene_rows import Rows
from infer.write.png_rows import RowSink


def predict_rows(
    predictor: Predictor, shape: tuple[int, int], source: Iterable[Rows], sink: RowSink, nodata: int = 0
) -> None:
    """Predict a scene of this height and width in one pass; only for work that `Predictor.guard` does.

    source: gives all rows from the top. sink: begins anew here. nodata: of the mask where there is no
    data. Its pixels are those that Predictor.predict gives for the whole scene.
    """
    rows, cols = predictor.spans(shape)
    at_once = predictor.batch(Tile(rows[0], cols[0]).shape)
    sink.begin(shape)
    held, pass_ = _Held(source, shape, rows), _Pass(predictor, sink, at_once)
    for span in rows:
        held.reach(span)
        pass_.begin_row(_RowOfTiles(span, held.valid_of(span), shape[1], len(cols), nodata))
        for col in cols:
            pass_.add(col, held.crop(span, col))
        pass_.keep_what_waits()
    pass_.end()
    sink.end()


class _RowOfTiles:
    """The mask uint8 [h, W] of a row of tiles, and where there is data, bool [h, W]; None: everywhere."""

    def __init__(self, span: Span, valid: np.ndarray | None, width: int, tiles: int, nodata: int) -> None:
        self.top, self.valid, self.missing = span.keep_start, valid, tiles
        self._nodata = nodata
        self.mask = np.zeros((span.keep_stop - span.keep_start, width), np.uint8)
        self._inner = span.inner

    def put(self, col: Span, prediction: np.ndarray) -> None:
        """Take over the part of a tile's mask, uint8 [h, w], that the row answers for."""
        self.mask[:, col.kept] = prediction[self._inner, col.inner]
        self.missing -= 1

    def has_data(self, col: Span) -> bool:
        """Tell whether there is data in what a tile answers for."""
        return self.valid is None or bool(self.valid[:, col.kept].any())

    def write(self, sink: RowSink) -> None:
        """Hand the mask over."""
        if self.valid is not None:  # no data, no ice
            self.mask[~self.valid] = self._nodata
        sink.rows(self.top, self.mask)


class _Waiting(NamedTuple):
    row: _RowOfTiles
    col: Span
    pixels: np.ndarray


class _Pass:
    """Collects tiles until `at_once` can go through the network, and hands over rows when they are whole."""

    def __init__(self, predictor: Predictor, sink: RowSink, at_once: int) -> None:
        self._predictor, self._sink, self._at_once = predictor, sink, at_once
        self._rows: deque[_RowOfTiles] = deque()
        self._waiting: list[_Waiting] = []

    def begin_row(self, row: _RowOfTiles) -> None:
        """Begin the next row of tiles."""
        self._rows.append(row)

    def add(self, col: Span, pixels: np.ndarray) -> None:
        """Take the next tile, uint8 [h, w, 3], of the row; one alone is skipped where it has no data."""
        row = self._rows[-1]
        if self._at_once == 1 and not row.has_data(col):  # in batches, others would change their company
            row.missing -= 1
        else:
            self._waiting.append(_Waiting(row, col, pixels))
            if len(self._waiting) == self._at_once:
                self._predict()
        self._write()

    def keep_what_waits(self) -> None:
        """Copy what is needed of pixels that are about to move on."""
        self._waiting = [one._replace(pixels=one.pixels.copy()) for one in self._waiting]
        for row in self._rows:
            row.valid = None if row.valid is None else row.valid.copy()

    def end(self) -> None:
        """Predict the rest."""
        if self._waiting:
            self._predict()
        self._write()

    def _predict(self) -> None:
        masks = self._predictor.forward([one.pixels for one in self._waiting])
        for one, mask in zip(self._waiting, masks, strict=True):
            one.row.put(one.col, mask)
        self._waiting = []

    def _write(self) -> None:
        while self._rows and not self._rows[0].missing:
            self._rows.popleft().write(self._sink)


class _Held:
    """The rows of pixels that the tiles at hand need, and no more."""

    def __init__(self, source: Iterable[Rows], shape: tuple[int, int], rows: list[Span]) -> None:
        (self._height, width), self._source = shape, iter(source)
        # A tile that leaves the scene is reflected, and may reach back beyond its own first row.
        wanted = [int(reflect(span.start, span.stop, self._height).min()) for span in rows]
        self._firsts = dict(zip(rows, np.minimum.accumulate(wanted[::-1])[::-1].tolist(), strict=True))
        most = max(min(span.stop, self._height) - first for span, first in self._firsts.items())
        self._pixels = np.empty((most, width, 3), np.uint8)
        self._valid: np.ndarray | None = None
        self._first = self._count = 0
        self._rest: Rows | None = None

    def reach(self, span: Span) -> None:
        """Let go what lies above the tiles of a span, and read what they need."""
        first, stop = self._firsts[span], min(span.stop, self._height)
        kept = max(0, self._first + self._count - first)
        for array in (self._pixels, self._valid):
            if array is not None and kept:
                array[:kept] = array[self._count - kept : self._count]
        self._first, self._count = first, kept
        while self._first + self._count < stop:
            rows = self._rest or next(self._source)
            room = stop - self._first - self._count
            self._append(rows.pixels[:room], None if rows.valid is None else rows.valid[:room])
            left = Rows(rows.pixels[room:], None if rows.valid is None else rows.valid[room:])
            self._rest = left if len(left.pixels) else None

    def crop(self, span: Span, col: Span) -> np.ndarray:
        """Return the pixels of a tile, uint8 [h, w, 3], reflected where it leaves the scene."""
        height, width = self._height, self._pixels.shape[1]
        rows = slice(span.start - self._first, span.stop - self._first)
        cols = slice(col.start, col.stop)
        down = rows if span.stop <= height else reflect(span.start, span.stop, height) - self._first
        across = cols if col.stop <= width else reflect(col.start, col.stop, width)
        window: np.ndarray = self._pixels[:, across][down]
        return window

    def valid_of(self, span: Span) -> np.ndarray | None:
        """Return where there is data in what a span answers for, bool [h, W]; None for everywhere."""
        kept = slice(span.keep_start - self._first, span.keep_stop - self._first)
        return None if self._valid is None else self._valid[kept]

    def _append(self, pixels: np.ndarray, valid: np.ndarray | None) -> None:
        place = slice(self._count, self._count + len(pixels))
        self._pixels[place] = pixels
        if valid is not None and self._valid is None:
            self._valid = np.ones(self._pixels.shape[:2], bool)
        if self._valid is not None:
            self._valid[place] = True if valid is None else valid
        self._count = place.stop
