"""The weights that a run starts from, where they are another run's."""

from __future__ import annotations

from pathlib import Path

import torch

from infer.network.torch_model import load_model
from train_offline.data.crops.sampler import Crops
from train_offline.data.sources import Source
from train_offline.models.preprocessing import normalise
from train_offline.models.unfolding import start_from_slim
from train_offline.training import checkpoint
from train_offline.training.config.settings import TrainSettings
from train_offline.training.step import Trainer

CROPS = 16  # from which the statistics that a weights file has not got are measured


def require_readable(init: Path) -> None:
    """Raise UsageError for a file that start_from_file could not read, before any scene is decoded."""
    if init.suffix == ".safetensors":
        load_model(init)
    else:
        checkpoint.load(init)


def start_from_file(trainer: Trainer, init: Path, settings: TrainSettings, sources: list[Source]) -> None:
    """Take the averaged weights of a checkpoint, or a weights file of infer (.safetensors).

    Raises UsageError for a file that cannot be read or holds another network.
    """
    if init.suffix != ".safetensors":
        trainer.start_from(checkpoint.load(init).ema, init)
        return
    crops = Crops(sources, settings.crops, settings.run.seed, 0, CROPS)
    images = torch.stack([crops[index][0] for index in range(CROPS)]).to(trainer.fabric.device)
    start_from_slim(trainer.network, init, normalise(images))
