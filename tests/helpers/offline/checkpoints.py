"""Checkpoints of random weights, as a training would have left them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from train_offline.models.build import build
from train_offline.training import checkpoint
from train_offline.training.checkpoint import Checkpoint
from train_offline.training.config.settings import TrainSettings

# Random weights put far more pixels next to the class border than trained ones do: fp16 moves a few of them.
RANDOM = ("--agreement", "0.999")


def unlike_new(network: nn.Module, seed: int = 0) -> nn.Module:
    """Give BatchNorm the statistics and scales of a trained network: folding then has something to fold."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor, low, high in (
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.4, 2.0),
                (module.weight.data, 0.6, 1.4),
                (module.bias.data, -0.3, 0.3),
            ):
                tensor.uniform_(low, high, generator=generator)
    return network


def write_checkpoint(path: Path, val: tuple[Path, ...] = (), **options: object) -> Checkpoint:
    """Options of the training by key."""
    torch.manual_seed(3)
    given = {"run": path.parent, "data": ((path.parent / "data", 2.0),), "val": val, "steps": 1}
    settings = TrainSettings.of(given | options)
    state = unlike_new(build(settings.network, settings.loss.deep > 0)).state_dict()
    scores = {"data/fwiou": 0.5, "data/boundary_f1": float("nan")}
    facts = {"data_sha256": "ab" * 32, "commit": "c0ffee", "machine": "a secret"}
    saved = Checkpoint(
        settings.to_json(), state, state, 7, {}, torch.get_rng_state(), 7, 1.5, scores, facts=facts
    )
    checkpoint.save(saved, path)
    return saved
