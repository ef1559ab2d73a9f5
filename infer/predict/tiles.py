"""Geometry only: where the tiles of a scene lie, and which pixels each of them answers for.

A scene is padded at its right and bottom edge, by reflection, to a multiple of the network's stride. Tile
origins lie on that stride too, so that a tile sees the same pooling grid as the whole scene would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from infer.network.architecture import STRIDE
from infer.network.padding import padded, reflect

if TYPE_CHECKING:
    from infer.predict.engine import Pixels


@dataclass(frozen=True)
class Span:
    """A stretch of one axis, in pixels: [start, stop) is read, [keep_start, keep_stop) is kept.

    stop may lie beyond the scene (padding); the kept part never does.
    """

    start: int
    stop: int
    keep_start: int
    keep_stop: int

    @property
    def kept(self) -> slice:
        """The kept part in the scene's coordinates."""
        return slice(self.keep_start, self.keep_stop)

    @property
    def inner(self) -> slice:
        """The kept part in the tile's own coordinates."""
        return slice(self.keep_start - self.start, self.keep_stop - self.start)


@dataclass(frozen=True)
class Tile:
    """One window of a scene."""

    rows: Span
    cols: Span

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, in pixels."""
        return self.rows.stop - self.rows.start, self.cols.stop - self.cols.start


def spans(size: int, tile: int, overlap: int, multiple: int = STRIDE) -> list[Span]:
    """Cut one axis of `size` pixels into equal stretches of at most `tile` that share `overlap` or more.

    The kept parts meet in the middle of each overlap and cover every pixel exactly once. What fits into one
    tile is padded to `multiple`, as far as the tile reaches.
    Raises ValueError unless size > 0 and 0 <= overlap < tile, tile and overlap multiples of the stride.
    """
    if size < 1 or not 0 <= overlap < tile or tile % STRIDE or overlap % STRIDE:
        raise ValueError(f"no grid for size {size}, tile {tile}, overlap {overlap}")
    if size <= tile:
        return [Span(0, max(padded(size), min(padded(size, multiple), tile)), 0, size)]
    units, shared = padded(size) // STRIDE, overlap // STRIDE
    count = -(-(units - shared) // (tile // STRIDE - shared))
    length = -(-(units + (count - 1) * shared) // count)  # equal lengths: no tile is mostly overlap
    starts = [i * (units - length) // (count - 1) * STRIDE for i in range(count)]
    length *= STRIDE
    cuts = [0, *((after + before + length) // 2 for before, after in pairwise(starts)), size]
    return [
        Span(start, start + length, keep_start, keep_stop)
        for start, (keep_start, keep_stop) in zip(starts, pairwise(cuts), strict=True)
    ]


def grid(height: int, width: int, tile: int, overlap: int, multiple: int = STRIDE) -> list[Tile]:
    """Return the tiles of a scene, row by row, all of one shape; see spans."""
    columns = spans(width, tile, overlap, multiple)
    return [Tile(rows, cols) for rows in spans(height, tile, overlap, multiple) for cols in columns]


def crop(image: Pixels, tile: Tile) -> Pixels:
    """Return the tile's window [h, w, ...] of image [H, W, ...], reflected where it leaves the scene.

    A view where the window lies inside the scene, else a copy. Takes torch tensors too.
    """
    height, width = image.shape[:2]
    window: Pixels = image[_window(tile.rows, height)][:, _window(tile.cols, width)]
    return window


def _window(span: Span, size: int) -> slice | np.ndarray:
    if span.stop <= size:
        return slice(span.start, span.stop)
    return reflect(span.start, span.stop, size)


def stacked(windows: Sequence[Pixels]) -> np.ndarray:
    """Stack B windows to uint8 [B, h, w, 3], in C order whatever theirs is; np.stack would keep theirs."""
    if len(windows) == 1:
        return np.ascontiguousarray(windows[0])[None]
    batch = np.empty((len(windows), *windows[0].shape), np.uint8)
    for place, window in zip(batch, windows, strict=True):
        place[:] = window
    return batch


def stitch(mask: np.ndarray, tile: Tile, prediction: np.ndarray) -> None:
    """Copy the part that the tile answers for from its prediction [h, w] into mask [H, W]."""
    mask[tile.rows.kept, tile.cols.kept] = prediction[tile.rows.inner, tile.cols.inner]


class TileOfImage(NamedTuple):
    """A tile of an image, uint8 [H, W, 3], and the mask, uint8 [H, W], that it is a part of."""

    mask: np.ndarray
    image: Pixels
    tile: Tile


def stitch_all(windows: Sequence[TileOfImage], predictions: np.ndarray) -> None:
    """Copy what each tile answers for from its prediction, one of [B, h, w], into its mask."""
    for window, prediction in zip(windows, predictions, strict=True):
        stitch(window.mask, window.tile, prediction)
