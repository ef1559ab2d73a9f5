"""The GPU's time for one 512 x 512 tile: python -m tests.bench.single.gpu_tile

For batches of 1 to 32 tiles that lie on the GPU, as the engine runs them, with the copy of the classes back.

busy: the time in which a kernel or a copy was at work on the GPU, by torch.profiler's record of them all over
many forward passes, overlaps counted once: what is left of it when the CPU is never waited for.
elapsed: from before a forward pass to its end, by CUDA events, median: with the gaps between kernels, and the
engine's own wait for the masks.
The floor of an H200 is about 70 µs of memory traffic per tile.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterable
from typing import NamedTuple

from infer.errors import UsageError
from infer.settings import WEIGHTS
from train_offline.runtime.program import run

BATCHES = (1, 4, 16, 32)
ROUNDS, WARM = 50, 5


class TileTime(NamedTuple):
    """Microseconds for one tile of a batch of so many."""

    batch: int
    busy: float
    elapsed: float


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """The length of the union of spans (start, end)."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def tile_time(batch: int, device: str = "cuda", side: int = 512, rounds: int = ROUNDS) -> TileTime:
    """Time `rounds` passes twice: with the profiler, which slows the CPU, and without.

    device: on "cpu", for trying this code, busy is that of torch's operations.
    """
    import torch

    from infer.network.torch_model import load_model
    from infer.predict.torch_engine import TorchEngine

    engine = TorchEngine(load_model(WEIGHTS), device)
    tiles = [torch.randint(0, 256, (side, side, 3), dtype=torch.uint8, device=device) for _ in range(batch)]
    for _ in range(WARM):  # the first ones choose algorithms
        engine.forward(tiles)
    elapsed = [_elapsed(engine, tiles, device) for _ in range(rounds)]
    return TileTime(
        batch, _busy(engine, tiles, device, rounds) / rounds / batch, statistics.median(elapsed) / batch
    )


def _busy(engine, tiles, device: str, rounds: int) -> float:  # type: ignore[no-untyped-def]
    """Microseconds of all rounds."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    where = {"cuda": ProfilerActivity.CUDA, "cpu": ProfilerActivity.CPU}[device]
    with profile(activities=[where]) as profiler:
        for _ in range(rounds):
            engine.forward(tiles)
        if device == "cuda":
            torch.cuda.synchronize()
    wanted = {"cuda": torch.autograd.DeviceType.CUDA, "cpu": torch.autograd.DeviceType.CPU}[device]
    spans = [(e.time_range.start, e.time_range.end) for e in profiler.events() if e.device_type == wanted]
    if not spans:
        raise UsageError("torch.profiler has recorded nothing: does CUPTI belong to this driver?")
    return covered(spans)


def _elapsed(engine, tiles, device: str) -> float:  # type: ignore[no-untyped-def]
    """Microseconds of one forward pass."""
    import torch

    if device == "cpu":
        began = time.perf_counter()
        engine.forward(tiles)
        return (time.perf_counter() - began) * 1e6
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    engine.forward(tiles)
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end) * 1000)


def main() -> int:
    def work() -> None:
        import torch

        if not torch.cuda.is_available():
            raise UsageError("no CUDA device: nothing to time")
        for batch in BATCHES:
            took = tile_time(batch)
            each = f"busy {took.busy:.0f} µs, elapsed {took.elapsed:.0f} µs each"
            print(f"{torch.cuda.get_device_name()}, {batch} tiles: {each}")

    return run("gpu_tile", work)


if __name__ == "__main__":
    sys.exit(main())
