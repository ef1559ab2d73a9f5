"""The network in training, by name, and what its inputs must look like."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import segmentation_models_pytorch as smp
import torch
from timm.layers import DropPath
from torch import nn

from infer.errors import UsageError
from infer.network.padded_smp import PaddedSmp
from train_offline.models.deep_supervision import SUPERVISED, supervised
from train_offline.models.folding import FAST_CONFIG, FAST_ENCODER
from train_offline.models.light_residual import LightResidual
from train_offline.models.lite2 import LITE2_WEIGHTS, start_from_lite2
from train_offline.models.names import LIGHT, check_names, first_weights, in_one_line

MEAN, STD = 127.5, 31.875  # of every channel, in 0..255 units
STRIDE = 16  # of a four-stage encoder: sides fed to the network are multiples of it
UNETS = ("unet", "unetplusplus", "manet")  # smp's architectures whose decoder takes a list of channels
PROBE = 5 * STRIDE  # pixels: no multiple of a stride longer than ours


@dataclass(frozen=True)
class NetworkSettings:
    """What the network is; the default is the one that infer runs fastest.

    arch: "unet", "light-residual" (Kang et al. 2022) or another architecture of smp, in any case of letters.
    encoder_name: smp's name of an encoder, or tu-NAME for NAME of timm.
    encoder_depth, decoder_channels: of the UNet kind; other decoders size themselves.
    encoder_weights: None starts at random, "imagenet" from the hub's weights of that encoder,
        "imagenet-lite2" from those of the next smaller one, without a network (train_offline.models.lite2).
    """

    arch: str = FAST_CONFIG["arch"]
    encoder_name: str = FAST_ENCODER
    encoder_depth: int = FAST_CONFIG["encoder_depth"]
    decoder_channels: tuple[int, ...] = tuple(FAST_CONFIG["decoder_channels"])
    classes: int = FAST_CONFIG["classes"]
    encoder_weights: str | None = None

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments for smp.create_model without encoder_weights, as JSON holds them."""
        arguments = {**asdict(self), "arch": self.arch.lower()}
        arguments["decoder_channels"] = list(self.decoder_channels)  # JSON has no tuples
        unused = {"encoder_weights"}
        if arguments["arch"] not in (*UNETS, LIGHT):
            unused |= {"encoder_depth", "decoder_channels"}
        if arguments["arch"] == "dpt":
            arguments["dynamic_img_size"] = True  # else its vision transformer takes one size of image only
        return {name: value for name, value in arguments.items() if name not in unused}


def build(settings: NetworkSettings, deep_supervision: bool = False) -> nn.Module:
    """The network in training mode: [B, 3, H, W], H and W multiples of STRIDE, -> logits [B, 2, H, W].

    With deep_supervision it gives (logits, [auxiliary, auxiliary]) in training mode, all of them logits and
    each at its own resolution (models.deep_supervision). It is made for a training of thousands of steps:

    - Parameters that the output does not depend on are frozen: no other process waits for them.
    - BatchNorm's momentum is 0.1 everywhere. With the 0.01 that TensorFlow's variants were trained with,
      running statistics lag hundreds of steps behind the weights.
    - No stochastic depth: smp sets 0.2, a regulariser for hundreds of epochs; short runs only lose by it.

    Raises UsageError for names that smp or timm does not know, names that do not go together, and hub weights
    that cannot be had.
    """
    check_names(settings.arch, settings.encoder_name)
    with first_weights(settings.encoder_name, settings.encoder_weights) as weights:
        model = _create(settings, weights, deep_supervision)
    if settings.encoder_weights == LITE2_WEIGHTS:
        start_from_lite2(model.encoder, MEAN, STD)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1
        elif isinstance(module, DropPath):
            module.drop_prob = 0.0
    try:
        return _tried(model).train()
    except Exception as error:  # smp checks little: a wrong pair fails in many ways, some only when it runs
        raise UsageError(f"{_pair(settings)} does not run: {in_one_line(error)}") from error


def _create(settings: NetworkSettings, weights: str | bool | None, deep_supervision: bool) -> nn.Module:
    arguments = {**settings.arguments(), "encoder_weights": weights}
    arch = arguments.pop("arch")
    kind = LightResidual if arch == LIGHT else smp.MODEL_ARCHITECTURES_MAPPING[arch]
    if kind is LightResidual and settings.encoder_name != FAST_ENCODER:
        raise UsageError(f"--arch {LIGHT} has the encoder {FAST_ENCODER}: leave --encoder out")
    if deep_supervision and arch not in SUPERVISED:
        raise UsageError(
            f"deep supervision is for --arch unet and {LIGHT}, not for {settings.arch}: "
            "give --deep-supervision 0"
        )
    try:
        return supervised(kind, arguments) if deep_supervision else kind(**arguments)
    except (KeyError, ValueError, RuntimeError, TypeError, AttributeError, AssertionError) as error:
        raise UsageError(f"{_pair(settings)} cannot be made: {in_one_line(error)}") from error


def _tried(model: nn.Module) -> nn.Module:
    """The model without what it does not use; behind the padding of infer where it wants longer strides."""
    try:
        freeze_unused(model)
        return model
    except Exception:
        if hasattr(model, "supervise"):
            raise
    model = PaddedSmp(model)
    freeze_unused(model)
    return model


def _pair(settings: NetworkSettings) -> str:
    return f"--arch {settings.arch} with --encoder {settings.encoder_name}"


@torch.enable_grad()
def freeze_unused(model: nn.Module) -> None:
    """Stop the gradient of every parameter that no output depends on; auxiliary heads are outputs too.

    Raises ValueError where the logits have not the size of the image.
    """
    model.eval()  # a probe must not touch the running statistics
    image = torch.ones(1, 3, PROBE, PROBE)
    logits, auxiliary = model.supervise(image) if hasattr(model, "supervise") else (model(image), [])
    if logits.shape[2:] != image.shape[2:]:
        raise ValueError(f"an image of {PROBE} x {PROBE} pixels gives logits {list(logits.shape)}")
    sum(output.sum() for output in (logits, *auxiliary)).backward()
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
