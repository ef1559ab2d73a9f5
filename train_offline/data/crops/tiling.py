"""Where the tiles of a scene lie: every pixel is covered, and none is made up."""

from __future__ import annotations


def tile_starts(length: int, tile: int) -> list[int]:
    """Return the first pixels of the tiles along a side: 0, tile, 2 tile ...; the last ends with the side.

    So the last one may share pixels with the one before; a side shorter than a tile has one, at 0.
    """
    return [*range(0, length - tile, tile), max(0, length - tile)]


def tile_corners(size: tuple[int, int], tile: int) -> list[tuple[int, int]]:
    """Return (top, left) of every tile of a scene of (height, width), row by row."""
    height, width = size
    return [(top, left) for top in tile_starts(height, tile) for left in tile_starts(width, tile)]
