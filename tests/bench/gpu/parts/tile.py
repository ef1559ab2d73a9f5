"""The GPU's busy and elapsed time for one tile of 512 x 512."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.gpu.part import Place
from tests.bench.gpu.results import Figure
from tests.bench.single.gpu_tile import BATCHES, ROUNDS, tile_time


def measure(place: Place) -> Iterator[Figure]:
    side, rounds = (64, 2) if place.dry else (512, ROUNDS)
    for batch in BATCHES[:2] if place.dry else BATCHES:
        took = tile_time(batch, place.device, side, rounds)
        about = f"{batch} tiles of {side} x {side}"
        note = f"each; kernels and copies by torch.profiler, {rounds} passes"
        yield Figure(f"{about}: busy", round(took.busy, 1), "µs", note)
        note = f"each; events around a pass, median of {rounds}"
        yield Figure(f"{about}: elapsed", round(took.elapsed, 1), "µs", note)
