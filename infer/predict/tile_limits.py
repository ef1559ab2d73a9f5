"""How much goes through the network at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from infer.network.architecture import STRIDE
from infer.predict.hardware import batch_size
from infer.predict.tiles import grid
from infer.settings import Settings


@dataclass(frozen=True)
class TileLimits:
    """What goes through the network at once; it shrinks when memory runs out.

    tile and overlap: pixels of a side. area: pixels of a whole batch. batch: tiles, None for what suits.
    """

    tile: int
    overlap: int
    area: int
    batch: int | None

    def with_tile(self, tile: int) -> TileLimits:
        """Return limits of one tile of this size at once, and an overlap that suits it."""
        overlap = min(self.overlap, tile // 4 // STRIDE * STRIDE)
        return replace(self, area=tile * tile, tile=tile, overlap=overlap)


def first_pass(shapes: Sequence[tuple[int, int]], settings: Settings) -> tuple[int, int, int]:
    """Return how many tiles a GPU is given first, and their height and width.

    shapes: height and width in pixels of the scenes of the first batch, all of one padded shape.
    """
    tiles = grid(*shapes[0], settings.tile, settings.overlap)
    shape = tiles[0].shape
    return min(len(shapes) * len(tiles), settings.batch or batch_size(shape, gpu=True)), *shape
