"""The optimiser, and the running average of the weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[torch.Tensor, ...] | list[torch.Tensor]


def make_optimiser(network: nn.Module, kind: str, lr: float, weight_decay: float) -> torch.optim.Optimizer:
    """Make Adam (Kingma & Ba 2015, arXiv:1412.6980) or AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101)."""
    kinds: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kinds[kind](_parameter_groups(network, weight_decay), lr=lr)


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """Make the moving average (EMA) of all weights and statistics; with decay 0 it is the latest ones."""
    return AveragedModel(network, multi_avg_fn=_mean_with(decay), use_buffers=True)


def _parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Decay for the convolutions only: shrinking biases and BatchNorm's scales regularises nothing."""
    trained = [p for p in network.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _mean_with(decay: float) -> Callable[[Tensors, Tensors, torch.Tensor | int], None]:
    """Make a running mean whose memory grows to 1 / (1 - decay) steps: the first weights are forgotten."""

    @torch.no_grad()
    def update(averages: Tensors, values: Tensors, count: torch.Tensor | int) -> None:
        kept = min(decay, (1 + float(count)) / (10 + float(count)))
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, values, 1 - kept)
        else:
            torch._foreach_copy_(averages, values)

    return update
