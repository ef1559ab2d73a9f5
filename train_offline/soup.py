"""The mean of several checkpoints of one network: python -m train_offline.soup OUT.pt A.pt B.pt [...]

Weights that were trained from one start lie in one basin; their mean generalises further than each of them
(Wortsman et al. 2022, arXiv:2203.05482). What is averaged is the running average of each; everything else is
the last one's, but for its scores, which are not the mean's. export takes the result like any checkpoint.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from infer.settings import UsageError
from train_offline import checkpoint
from train_offline.checkpoint import Checkpoint
from train_offline.command import Parser, run


def mean_of(checkpoints: Sequence[Checkpoint]) -> Checkpoint:
    """The last checkpoint with the mean of all running averages; counters are the last one's.

    Raises ValueError where they hold different networks.
    """
    states = [saved.ema for saved in checkpoints]
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in states]
    if any(other != shapes[0] for other in shapes):
        raise ValueError("they hold different networks")
    mean = {
        name: torch.stack([state[name] for state in states]).mean(0) if tensor.is_floating_point() else tensor
        for name, tensor in states[-1].items()
    }
    return replace(checkpoints[-1], ema=mean, scores={})


def main(argv: list[str] | None = None) -> int:
    parser = Parser(prog="soup", description=__doc__.split("\n\n")[0])
    parser.add_argument("output", type=Path, metavar="OUT.pt")
    parser.add_argument("checkpoints", type=Path, nargs="+", metavar="CHECKPOINT", help="at least two")

    def work() -> None:
        given = parser.parse_args(argv)
        if len(given.checkpoints) < 2:
            raise UsageError("the mean of one checkpoint is itself; give at least two")
        try:
            mean = mean_of([checkpoint.load(path) for path in given.checkpoints])
        except ValueError as error:
            raise UsageError(f"{', '.join(map(str, given.checkpoints))}: {error}") from error
        checkpoint.save(mean, given.output)

    return run("soup", work)


if __name__ == "__main__":
    sys.exit(main())
