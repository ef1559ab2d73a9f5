"""Everything that one optimiser step touches: network, loss, optimiser, running average, precision."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim.swa_utils import AveragedModel

from infer.settings import UsageError
from train_offline.checkpoint import Checkpoint
from train_offline.losses import SegmentationLoss
from train_offline.network import build, depthwise_in_fp32, normalise
from train_offline.settings import TrainSettings


def make_fabric(settings: TrainSettings) -> Fabric:
    """Device, precision and processes, launched. Raises UsageError where the machine has not got them."""
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise UsageError("no CUDA device here; leave --device out or say --device cpu")
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # the run's own first line says it all
    cuda = settings.device != "cpu" and torch.cuda.is_available()
    bf16 = settings.precision == "bf16" or (settings.precision == "auto" and _fast_bf16(cuda))
    try:
        fabric = Fabric(
            accelerator="cuda" if cuda else "cpu",
            devices=settings.devices,
            precision="bf16-mixed" if bf16 else "32-true",
        )
    except (RuntimeError, ValueError) as error:
        raise UsageError(
            f"--devices {settings.devices} cannot be had: {str(error).splitlines()[0]}"
        ) from error
    fabric.launch()
    fabric.seed_everything(settings.seed, verbose=False)
    return fabric


def _fast_bf16(cuda: bool) -> bool:
    """Whether bf16 is an instruction of the processor; where it is emulated it is slower than fp32."""
    if cuda:
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


class Trainer:
    """The network in training and its running average (EMA), which is what is scored and exported."""

    def __init__(self, fabric: Fabric, settings: TrainSettings) -> None:
        self.fabric = fabric
        self._clip = settings.clip
        self.network = build(settings.network).to(fabric.device, memory_format=torch.channels_last)
        if self.bf16 and fabric.device.type == "cpu":
            depthwise_in_fp32(self.network)
        self.average = AveragedModel(self.network, multi_avg_fn=_mean_with(settings.ema), use_buffers=True)
        self._loss = SegmentationLoss()
        optimiser = torch.optim.AdamW(_parameter_groups(self.network, settings.weight_decay), lr=settings.lr)
        self._wrapped, self.optimiser = fabric.setup(self.network, optimiser)

    @property
    def bf16(self) -> bool:
        return self.fabric.strategy.precision.precision == "bf16-mixed"

    def step(self, images: torch.Tensor, labels: torch.Tensor, rate: float) -> torch.Tensor:
        """One update from uint8 images [B, S, S, 3] and labels [B, S, S]; returns the detached loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = self._loss(self._wrapped(normalise(images)), labels.long())
        self.fabric.backward(loss)
        self.fabric.clip_gradients(
            self._wrapped, self.optimiser, max_norm=self._clip, error_if_nonfinite=False
        )
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.average.update_parameters(self.network)
        return loss.detach()

    def state(
        self, settings: TrainSettings, step: int, seconds: float, scores: dict[str, float]
    ) -> Checkpoint:
        return Checkpoint(
            settings=settings.to_json(),
            model=self.network.state_dict(),
            ema=self.average.module.state_dict(),
            ema_updates=int(self.average.n_averaged),
            optimiser=self.optimiser.state_dict(),
            rng=torch.get_rng_state(),
            step=step,
            seconds=seconds,
            scores=scores,
        )

    def restore(self, saved: Checkpoint) -> None:
        """Continue where `saved` was; raises UsageError when it belongs to another network."""
        self.start_from(saved.model, "the checkpoint")
        self.average.module.load_state_dict(saved.ema)
        self.average.n_averaged.fill_(saved.ema_updates)
        self.optimiser.load_state_dict(saved.optimiser)
        torch.set_rng_state(saved.rng)

    def start_from(self, weights: dict[str, torch.Tensor], where: object) -> None:
        """Put weights into the network; raises UsageError when they belong to another one."""
        try:
            self.network.load_state_dict(weights)
        except RuntimeError as error:
            raise UsageError(
                f"{where}: its weights belong to another network than --arch/--encoder say"
            ) from error


def _parameter_groups(network: nn.Module, weight_decay: float) -> list[dict]:
    """Decay for the convolutions only: shrinking biases and BatchNorm's scales regularises nothing."""
    trained = [p for p in network.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _mean_with(decay: float) -> Callable[[list[torch.Tensor], list[torch.Tensor], torch.Tensor], None]:
    """Running mean whose memory grows to 1 / (1 - decay) steps: the first, random weights are forgotten."""

    @torch.no_grad()
    def update(averages: list[torch.Tensor], values: list[torch.Tensor], count: torch.Tensor) -> None:
        kept = min(decay, (1 + float(count)) / (10 + float(count)))
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, values, 1 - kept)
        else:
            torch._foreach_copy_(averages, values)

    return update


def require_finite(loss: float, step: int) -> None:
    """Raises UsageError for a loss that is not a number: nothing after it can be learned."""
    if not math.isfinite(loss):
        raise UsageError(
            f"the loss is {loss} by step {step}; the checkpoint before it is kept: resume with a lower --lr"
        )
