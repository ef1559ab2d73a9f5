"""The weights that a run starts from, where they are another run's."""

from __future__ import annotations

from pathlib import Path

import torch

from infer.errors import FileError
from infer.network.torch_model import model_of
from infer.network.weights_file import ANY_SMP, FAST_LIGHT, read_slim
from train_offline.data.crops.sampler import Crops
from train_offline.data.sources import Source
from train_offline.models.build import NetworkSettings
from train_offline.models.names import LIGHT
from train_offline.models.preprocessing import normalise
from train_offline.models.unfolding import start_from_slim
from train_offline.training import checkpoint
from train_offline.training.config.settings import TrainSettings, from_json
from train_offline.training.step import Trainer

SMP_ENCODER = "resnet34"  # smp's own where none is named
CROPS = 16  # from which the statistics that a weights file has not got are measured


def require_usable(init: Path, network: NetworkSettings) -> None:
    """Raise UsageError, before any scene is decoded, for a file that start_from_file cannot use.

    That is one that cannot be read, or whose weights are of another architecture. Encoders of different names
    may be the same: only start_from_file can tell.
    """
    arch, encoder = _held(init)
    if arch.lower() != network.arch.lower():
        raise _another(init, arch, encoder)


def _held(init: Path) -> tuple[str, str]:
    """Return the architecture and the encoder whose weights a file holds; raises UsageError as load does."""
    if init.suffix != ".safetensors":
        given = from_json(checkpoint.load(init).settings)
        return given.get("arch", NetworkSettings.arch), given.get("encoder", NetworkSettings.encoder_name)
    slim = read_slim(init)
    model_of(slim)  # complains where the weights do not fit
    if slim.architecture == ANY_SMP:
        return slim.config["arch"], slim.config.get("encoder_name", SMP_ENCODER)
    return LIGHT if slim.architecture == FAST_LIGHT else NetworkSettings.arch, NetworkSettings.encoder_name


def _another(init: Path, arch: str, encoder: str) -> FileError:
    reason = f"holds the weights of {arch} with the encoder {encoder}"
    remedy = f"; say {{arch}} {arch} {{encoder}} {encoder}, or leave {{init}} out"
    return FileError(init, reason, remedy, kind="form", setting="init")


def start_from_file(trainer: Trainer, init: Path, settings: TrainSettings, sources: list[Source]) -> None:
    """Take the averaged weights of a checkpoint, or a weights file of infer (.safetensors).

    Raises UsageError for a file that cannot be read or holds another network.
    """
    try:
        _start(trainer, init, settings, sources)
    except FileError as error:
        if error.kind != "form":
            raise
        raise _another(init, *_held(init)) from error


def _start(trainer: Trainer, init: Path, settings: TrainSettings, sources: list[Source]) -> None:
    if init.suffix != ".safetensors":
        trainer.start_from(checkpoint.load(init).ema, init)
        return
    crops = Crops(sources, settings.crops, settings.run.seed, 0, CROPS)
    images = torch.stack([crops[index][0] for index in range(CROPS)]).to(trainer.fabric.device)
    start_from_slim(trainer.network, init, normalise(images))
