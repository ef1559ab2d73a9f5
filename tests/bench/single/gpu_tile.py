"""The GPU's busy time for one 512 x 512 tile, by CUDA events: python -m tests.bench.single.gpu_tile

For batches of 1 to 32 tiles that lie on the GPU, as the engine runs them, with the copy of the classes back.
The floor of an H200 is about 70 µs of memory traffic per tile.
"""

from __future__ import annotations

import statistics
import sys

from infer.errors import UsageError
from infer.settings import WEIGHTS
from train_offline.runtime.program import run

BATCHES = (1, 4, 16, 32)
ROUNDS = 50


def microseconds_per_tile(batch: int) -> float:
    """Median over ROUNDS passes of a batch that lies on the GPU already."""
    import torch

    from infer.network.torch_model import load_model
    from infer.predict.torch_engine import TorchEngine

    engine = TorchEngine(load_model(WEIGHTS), "cuda")
    tiles = [torch.randint(0, 256, (512, 512, 3), dtype=torch.uint8, device="cuda") for _ in range(batch)]
    taken: list[float] = []
    for _ in range(ROUNDS + 5):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        engine.forward(tiles)
        end.record()
        torch.cuda.synchronize()
        taken.append(start.elapsed_time(end) * 1000 / batch)
    return statistics.median(taken[5:])  # the first ones choose algorithms


def main() -> int:
    def work() -> None:
        import torch

        if not torch.cuda.is_available():
            raise UsageError("no CUDA device: nothing to time")
        for batch in BATCHES:
            print(
                f"{torch.cuda.get_device_name()}, {batch} tiles: {microseconds_per_tile(batch):.0f} µs each"
            )

    return run("gpu_tile", work)


if __name__ == "__main__":
    sys.exit(main())
