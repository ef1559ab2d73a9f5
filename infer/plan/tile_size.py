"""Which size of tile a CPU's memory allows, told before the kernel has to kill anything."""

from __future__ import annotations

import os
from pathlib import Path

from infer.plan.scenes import Readable, part_huge
from infer.predict.hardware import pixels_at_once
from infer.settings import HUGE_PIXELS, MIN_TILE, half_tile

# What a forward pass holds for each pixel: 370 by ONNX Runtime, 330 by OpenVINO, 300 by torch, all in fp32.
BYTES_PER_PIXEL = 400
SPARE = 64 * 1024**2  # bytes: the process that watches, PNGs being written, the C library's leftovers
SCENES_HELD = 3  # batches: one waits, one is decoded, one is with the network
ROWS_HELD = 4  # bytes for each pixel of the rows of a huge scene that a row of tiles needs
PIECES_HELD = 2**27  # bytes: what is decoded of it at a time
BYTES_HELD = 8  # for each of their pixels: RGB, the encoded file, the mask, where there is data


def tile_that_fits(wanted: int, scenes: list[Readable], limit: int | None, huge: int = HUGE_PIXELS) -> int:
    """Return `wanted`, or the largest of its halves (at least MIN_TILE) that fits into memory.

    Call it when the engine is there: what this process holds by then is counted. scenes: those to come.
    limit: bytes that the process may hold, None for any. huge: pixels above which a scene is made by rows.
    """
    if limit is None or not scenes:
        return wanted
    usual, by_rows = part_huge(scenes, huge)
    widest = max((scene.padded_shape[1] for scene in by_rows), default=0)
    sizes = [scene.padded_shape[0] * scene.padded_shape[1] for scene in usual] or [wanted * wanted]
    together = min(sum(sizes), pixels_at_once(gpu=False))  # small ones keep each other company
    held = SCENES_HELD * BYTES_HELD * max(*sizes, together) if usual else 0
    free, pieces = limit - resident() - SPARE, PIECES_HELD if by_rows else 0

    def room(tile: int) -> int:
        return (free - max(held, pieces + ROWS_HELD * tile * widest)) // BYTES_PER_PIXEL

    tile, company = wanted, together
    largest = max(scene.padded_shape[0] * scene.padded_shape[1] for scene in scenes)
    while tile > MIN_TILE and max(min(tile * tile, largest), company) > room(tile):
        tile = half_tile(tile)
        company = min(together, tile * tile)  # see TileLimits.with_tile
    return tile


def resident() -> int:
    """Return the bytes of memory that this process holds now (man 5 proc_pid_statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
