"""A network whose right answer is known, and predictors around engines."""

from __future__ import annotations

from typing import Any

import torch

from infer.network.torch_model import Model
from infer.predict.engine import Engine
from infer.predict.predictor import Predictor
from infer.predict.torch_engine import TorchEngine
from infer.settings import Settings

MEAN, STD = (127.5, 127.5, 127.5), (31.875, 31.875, 31.875)


class Brightness(torch.nn.Module):
    """Ice where red is above its mean: a network whose right answer is known for every pixel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[2] % 16 == x.shape[3] % 16 == 0
        return torch.cat((-x[:, :1], x[:, :1]), dim=1)


def torch_predictor(network: torch.nn.Module, **settings: Any) -> Predictor:
    """A predictor around a network in torch, on the CPU."""
    return predictor_of(TorchEngine(Model(network, MEAN, STD, "0" * 64), "cpu"), **settings)


def predictor_of(engine: Engine, **settings: Any) -> Predictor:
    """A predictor that prints what it has to say, and has no other engine."""
    return Predictor(engine, Settings(device="cpu", **settings), print, lambda: engine)
