"""What the peers share: the smp network with the trained weights, and the scenes by their size.

python -m tests.bench.peers.NAME INPUT OUTPUT MODELS; MODELS is what tests.bench.harness.models makes.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

MEAN, STD = 127.5, 31.875
PIXELS_AT_ONCE = 8 * 512 * 512  # the recipe's batch of 8
MAX_SIDE = 2048  # pixels of a side that goes through whole, in the peers that can cut


def run(work: Callable[[Path, Path, Path], None]) -> None:
    """Call `work` with the three folders of the command line; the output folder is made."""
    scenes, masks, models = map(Path, sys.argv[1:4])
    masks.mkdir(parents=True, exist_ok=True)
    work(scenes, masks, models)


def tiffs(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in (".tif", ".tiff"))


def load_smp(models: Path) -> Any:
    """The network as smp builds it, in evaluation mode, fp32."""
    import segmentation_models_pytorch as smp
    import torch

    config = json.loads((models / "config.json").read_text())
    network = smp.create_model(**config, encoder_weights=None)
    network.load_state_dict(torch.load(models / "smp.pt", weights_only=True))
    return network.eval()


def batches(sized: list[tuple[Path, tuple[int, int]]]) -> Iterator[tuple[tuple[int, int], list[Path]]]:
    """(height, width) and files of batches of one size, as many as fit into PIXELS_AT_ONCE."""
    groups: dict[tuple[int, int], list[Path]] = defaultdict(list)
    for path, size in sized:
        groups[size].append(path)
    for size, paths in groups.items():
        count = max(1, PIXELS_AT_ONCE // (size[0] * size[1]))
        for i in range(0, len(paths), count):
            yield size, paths[i : i + count]


def padded(length: int, stride: int = 16) -> int:
    """The smallest multiple of the network's stride that is not smaller."""
    return -(-length // stride) * stride


def windows(
    height: int, width: int, side: int = MAX_SIDE, overlap: int = 64
) -> Iterator[tuple[int, int, int, int]]:
    """top, left, height, width of the tiles of a scene, the last ones moved inwards."""
    step = side - overlap
    tops = range(0, max(1, height - overlap), step)
    lefts = range(0, max(1, width - overlap), step)
    for top in tops:
        for left in lefts:
            high, wide = min(side, height), min(side, width)
            yield min(top, height - high), min(left, width - wide), high, wide
