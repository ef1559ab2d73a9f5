"""Everything that one optimiser step touches: network, loss, optimiser, running average, precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import nn

from infer.errors import FileError, UsageError
from train_offline.models.build import build, depthwise_in_fp32
from train_offline.models.deep_supervision import AUXILIARY
from train_offline.models.preprocessing import normalise
from train_offline.training.checkpoint import Checkpoint
from train_offline.training.config.settings import TrainSettings
from train_offline.training.optimisation.losses import SegmentationLoss
from train_offline.training.optimisation.optimiser import averaged, make_optimiser


class Trainer:
    """The network in training and its running average (EMA), which is what is scored and exported."""

    def __init__(self, fabric: Fabric, settings: TrainSettings, hub_weights: bool = False) -> None:
        """`hub_weights`: fetch what settings.network.encoder_weights names; a restored network needs none."""
        self.fabric = fabric
        how = settings.optimisation
        self._clip, self._weight_decay = how.clip, how.weight_decay
        what = settings.network if hub_weights else settings.network.without_weights()
        self.network = _in_channels_last(build(what, settings.loss.deep > 0), fabric.device)
        if self.bf16 and fabric.device.type == "cpu":
            depthwise_in_fp32(self.network)
        self.average = averaged(self.network, how.ema)
        self._loss = SegmentationLoss(settings.loss)
        optimiser = make_optimiser(self.network, how.optimiser, how.lr, how.weight_decay)
        self._wrapped, self.optimiser = fabric.setup(self.network, optimiser)

    @property
    def bf16(self) -> bool:
        """Whether the network computes in bf16 where it may."""
        return self.fabric.strategy.precision.precision == "bf16-mixed"

    def step(self, images: torch.Tensor, labels: torch.Tensor, rate: float) -> torch.Tensor:
        """Make one update from uint8 images [B, S, S, 3] and labels [B, S, S]; returns the detached loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss: torch.Tensor = self._loss(self._wrapped(normalise(images)), labels.long())
        self.fabric.backward(loss)
        if self._clip:
            self.fabric.clip_gradients(
                self._wrapped, self.optimiser, max_norm=self._clip, error_if_nonfinite=False
            )
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.average.update_parameters(self.network)
        return loss.detach()

    def mean_loss(self, losses: list[torch.Tensor]) -> float:
        """Return the mean over steps and processes, the same in all of them."""
        return self._mean(torch.stack(losses).mean())

    def is_finite(self) -> bool:
        """Tell whether all weights are finite in all processes; gradients can overflow where no loss does."""
        states = self.network.state_dict(), self.average.module.state_dict()
        finite = [t.isfinite().all() for state in states for t in state.values()]
        return self._mean(torch.stack(finite).all().float()) == 1

    def _mean(self, mine: torch.Tensor) -> float:
        mean = self.fabric.all_reduce(mine, reduce_op="mean")
        return float(cast(torch.Tensor, mean))  # of one tensor, not of a collection

    def agree(self) -> None:
        """Give all processes the first one's BatchNorm statistics, which each counts over its own crops."""
        if self.fabric.world_size == 1:
            return
        for network in (self.network, self.average.module):
            state = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
            network.load_state_dict(self.fabric.broadcast(state))

    def state(self) -> dict[str, Any]:
        """Return the fields of a Checkpoint that are this object's."""
        return {
            "model": self.network.state_dict(),
            "ema": self.average.module.state_dict(),
            "ema_updates": int(self.average.n_averaged),
            "optimiser": self.optimiser.state_dict(),
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if self.fabric.device.type == "cuda" else [],
        }

    def restore(self, saved: Checkpoint) -> None:
        """Continue where `saved` was; raises UsageError when it belongs to another network or optimiser."""
        self._load(saved.model, None, optional="\0")
        self.average.module.load_state_dict(saved.ema)
        self.average.n_averaged.fill_(saved.ema_updates)
        try:
            self.optimiser.load_state_dict(saved.optimiser)
        except (ValueError, KeyError) as error:
            raise UsageError("the checkpoint: its optimiser is another", " than {optimiser} says") from error
        decayed = self.optimiser.param_groups[0]  # the checkpoint's own decay, where one is given anew
        decayed["weight_decay"] = self._weight_decay
        torch.set_rng_state(saved.rng)
        if self.fabric.device.type == "cuda" and len(saved.cuda_rng) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(saved.cuda_rng)

    def start_from(self, weights: dict[str, torch.Tensor], path: Path) -> None:
        """Put weights into the network, which may have auxiliary heads that they lack, or the reverse.

        Raises UsageError when they belong to another network.
        """
        self._load(weights, path, optional=AUXILIARY)

    def _load(self, weights: dict[str, torch.Tensor], path: Path | None, optional: str) -> None:
        try:
            wrong = self.network.load_state_dict(weights, strict=False)
        except RuntimeError as error:  # of another size
            raise _other_network(path) from error
        if any(not name.startswith(optional) for name in (*wrong.missing_keys, *wrong.unexpected_keys)):
            raise _other_network(path)


def _other_network(path: Path | None) -> UsageError:
    """Make the error for weights of a file, or of the checkpoint that is resumed."""
    reason, remedy = "its weights belong to another network", " than {arch}/{encoder}/{deep_supervision} say"
    return (
        FileError(path, reason, remedy, kind="form")
        if path
        else UsageError(f"the checkpoint: {reason}", remedy)
    )


def _in_channels_last(network: nn.Module, device: torch.device) -> nn.Module:
    """Move the network, its convolutions' weights in channels_last memory."""
    # torch's stubs have no overload with a memory format
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
