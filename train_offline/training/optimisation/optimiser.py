"""The optimiser, and the running average of the weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel


def make_optimiser(network: nn.Module, kind: str, lr: float, weight_decay: float) -> torch.optim.Optimizer:
    """Make Adam (Kingma & Ba 2015, arXiv:1412.6980) or AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101)."""
    kinds: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kinds[kind](_parameter_groups(network, weight_decay), lr=lr)


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """Make the moving average (EMA) of all weights and statistics; with decay 0 it is the latest ones."""
    return _RunningMean(network, decay)


class _RunningMean(AveragedModel):
    """A mean whose memory grows to 1 / (1 - decay) steps: the first weights are forgotten.

    torch's own update moves the count to the network's device, and a GPU would be waited for in every step.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__(network, use_buffers=True)
        self._decay = decay

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take in the network's weights and statistics of now; the count of updates stays on the CPU."""
        count = int(self.n_averaged)
        kept = min(self._decay, (1 + count) / (10 + count))
        pairs = list(zip(_tensors(self.module), _tensors(model), strict=True))
        if mixed := [pair for pair in pairs if count and pair[0].is_floating_point()]:
            torch._foreach_lerp_(*_columns(mixed), 1 - kept)
        if copied := [pair for pair in pairs if not (count and pair[0].is_floating_point())]:
            torch._foreach_copy_(*_columns(copied))
        self.n_averaged += 1


def _columns(pairs: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    return [average for average, _ in pairs], [value for _, value in pairs]


def _tensors(network: nn.Module) -> list[torch.Tensor]:
    return [tensor.detach() for tensor in (*network.parameters(), *network.buffers())]


def _parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Decay for the convolutions only: shrinking biases and BatchNorm's scales regularises nothing."""
    trained = [p for p in network.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
