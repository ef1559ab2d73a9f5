"""The network in training: an smp model by name, made ready for a short training from random weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import segmentation_models_pytorch as smp
import torch
from timm.layers import DropPath
from torch import nn

from infer.settings import UsageError
from train_offline.fold import FAST_CONFIG

MEAN, STD = 127.5, 31.875  # of every channel, in 0..255 units
STRIDE = 16  # of a four-stage encoder: sides fed to the network are multiples of it


@dataclass(frozen=True)
class NetworkSettings:
    """The arguments of smp.create_model; the defaults are the network that infer runs fast."""

    arch: str = FAST_CONFIG["arch"]
    encoder_name: str = FAST_CONFIG["encoder_name"]
    encoder_depth: int = FAST_CONFIG["encoder_depth"]
    decoder_channels: tuple[int, ...] = tuple(FAST_CONFIG["decoder_channels"])
    classes: int = FAST_CONFIG["classes"]

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments for smp.create_model, as JSON holds them; other decoders size themselves."""
        arguments = {**asdict(self), "decoder_channels": list(self.decoder_channels)}
        if self.arch.lower() not in ("unet", "unetplusplus", "manet"):
            arguments.pop("decoder_channels")
        return arguments


def build(settings: NetworkSettings) -> nn.Module:
    """The network with random weights, in training mode, made for a training of thousands of steps.

    - Parameters that the output does not depend on are frozen: no other process waits for them.
    - BatchNorm's momentum is 0.1 everywhere. With the 0.01 that TensorFlow's variants were trained with,
      running statistics lag hundreds of steps behind the weights.
    - No stochastic depth: smp sets 0.2, a regulariser for hundreds of epochs; short runs only lose by it.

    Raises UsageError for a name that smp or timm does not know.
    """
    try:
        model = smp.create_model(**settings.arguments(), encoder_weights=None)
    except (KeyError, ValueError, RuntimeError, TypeError) as error:
        raise UsageError(
            f"no network {settings.arch} with encoder {settings.encoder_name}: {error}"
        ) from error
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1
        elif isinstance(module, DropPath):
            module.drop_prob = 0.0
    freeze_unused(model)
    return model.train()


def freeze_unused(model: nn.Module) -> None:
    """Stop the gradient of every parameter that the output does not depend on."""
    model.eval()  # a probe must not touch the running statistics
    model(torch.ones(1, 3, 4 * STRIDE, 4 * STRIDE)).sum().backward()
    for parameter in model.parameters():
        parameter.requires_grad_(parameter.grad is not None)
        parameter.grad = None


class _FullPrecisionConv2d(nn.Conv2d):
    """A convolution that ignores autocast: fp32 inside, the input's type outside."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float()).to(x.dtype)


def depthwise_in_fp32(model: nn.Module) -> None:
    """Keep depthwise convolutions out of bf16 autocast, for training on a CPU.

    Their gradient in bf16 takes oneDNN up to six times as long as in fp32, a fifth of the whole step. Names
    and shapes of the parameters stay as they are.
    """
    for module in model.modules():
        if type(module) is nn.Conv2d and module.groups == module.in_channels > 1:
            module.__class__ = _FullPrecisionConv2d


def normalise(images: torch.Tensor) -> torch.Tensor:
    """uint8 [B, H, W, 3] to float32 [B, 3, H, W] in channels_last memory, (x - 127.5) / 31.875."""
    return (images.permute(0, 3, 1, 2).float() - MEAN) / STD


def pad_to_stride(image: np.ndarray, stride: int = STRIDE) -> np.ndarray:
    """Reflect an image [H, W, 3] at its lower and right border up to multiples of the stride.

    A scene shorter than its border is reflected more than once.
    """
    below, right = (-side % stride for side in image.shape[:2])
    return np.pad(
        image, ((0, below), (0, right), (0, 0)), mode="symmetric" if min(image.shape[:2]) == 1 else "reflect"
    )
