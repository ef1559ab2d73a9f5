"""Whether an exported file gives the masks of the network that it was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from infer.errors import UsageError
from infer.network.torch_model import load_model
from train_offline.data.folder import IGNORED, listed_pairs, read_labelled
from train_offline.scoring.evaluate import predict
from train_offline.scoring.score import counts, score


def verify(
    network: nn.Module,
    exported: Path,
    folders: tuple[Path, ...],
    least: float,
    stride: int,
    val_list: str = "val.csv",
) -> list[str]:
    """Compare the masks of both, in fp32 on the CPU; one line of agreement and scores for each folder.

    The scenes are those of `val_list`, padded to a multiple of `stride` pixels. Raises UsageError when the
    two agree on fewer than the share `least` of a folder's pixels.
    """
    model = load_model(exported)
    lines = []
    for folder in folders:
        total, same, pixels = np.zeros((2, 2, 2), np.int64), 0, 0
        for pair in listed_pairs(folder, val_list):
            scene = read_labelled(pair)
            expected, found = (
                predict(n, scene.image, torch.device("cpu"), bf16=False, stride=stride)
                for n in (network, model.network)
            )
            same, pixels = same + int(np.count_nonzero(expected == found)), pixels + found.size
            total += counts(scene.label == 1, found, scene.label == IGNORED)
        if not same >= least * pixels:
            raise UsageError(
                f"the exported weights give another class than the checkpoint on {1 - same / pixels:.4%} of "
                f"the pixels of {folder}, more than {1 - least:.4%}; nothing was written"
            )
        lines.append(f"{score(folder.name, *total)}; same class as the checkpoint on {same / pixels:.4%}")
    return lines
