"""Run by torchrun in a test: every process trains, then writes the crops that it saw and its weights."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from train_offline.data.sources import load_sources, side_of
from train_offline.training.config.arguments import parse
from train_offline.training.config.presets import with_preset
from train_offline.training.config.settings import TrainSettings
from train_offline.training.loader import Workers, batches, plan
from train_offline.training.loop import Training


def main(folder: Path, argv: list[str]) -> None:
    settings = TrainSettings.of(with_preset(parse(argv)))
    settings.run.folder.mkdir(parents=True, exist_ok=True)
    training = Training(settings, None, Workers())
    training.run()
    fabric = training.trainer.fabric
    sides = [side_of(data, "train.csv") for data, _ in settings.data.train]
    weights = [weight for _, weight in settings.data.train]
    sources = [one for one, _ in load_sources(sides, weights, "train.csv", settings.data.cache)]
    steps = plan(settings, sources, fabric.world_size)
    torch.save(
        {
            "crops": [images for images, _ in batches(fabric, settings, sources, steps, 0, 0, Workers())],
            "model": training.trainer.network.state_dict(),
            "ema": training.trainer.average.module.state_dict(),
        },
        folder / f"rank{fabric.global_rank}.pt",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
