"""The network in training, by name."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import segmentation_models_pytorch as smp
import torch
from timm.layers.drop import DropPath
from torch import nn

from infer.errors import UsageError
from infer.network.architecture import STRIDE
from infer.network.padded_smp import PaddedSmp
from infer.process.text import in_short
from train_offline.models.deep_supervision import SUPERVISED, DeeplySupervised, supervised
from train_offline.models.folding import FAST_CONFIG, FAST_ENCODER
from train_offline.models.light_residual import LightResidual
from train_offline.models.lite2 import LITE2_WEIGHTS, start_from_lite2
from train_offline.models.names import LIGHT, check_names, first_weights
from train_offline.models.parts import segmenter
from train_offline.models.preprocessing import MEAN, STD
from train_offline.runtime.options import option

UNETS = ("unet", "unetplusplus", "manet")  # smp's architectures whose decoder takes a list of channels
ANOTHER = "; choose another {encoder} or {arch}"
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

    arch: str = option(FAST_CONFIG["arch"], "unet, light-residual or another one of smp", metavar="NAME")
    encoder_name: str = option(FAST_ENCODER, "encoder of smp or timm", key="encoder", metavar="NAME")
    encoder_depth: int = FAST_CONFIG["encoder_depth"]
    decoder_channels: tuple[int, ...] = tuple(FAST_CONFIG["decoder_channels"])
    classes: int = FAST_CONFIG["classes"]
    encoder_weights: str | None = option(
        None,
        "start the encoder from the hub's weights, e.g. imagenet, or from imagenet-lite2, which needs "
        "no network",
        metavar="NAME",
    )

    def without_weights(self) -> NetworkSettings:
        """Return the same network without first weights, for one that is filled afterwards."""
        return replace(self, encoder_weights=None)

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for smp.create_model, as JSON holds them, without encoder_weights."""
        arguments = {**asdict(self), "arch": self.arch.lower()}
        arguments["decoder_channels"] = list(self.decoder_channels)  # JSON has no tuples
        unused = {"encoder_weights"}
        if arguments["arch"] not in (*UNETS, LIGHT):
            unused |= {"encoder_depth", "decoder_channels"}
        if arguments["arch"] == "dpt":
            arguments["dynamic_img_size"] = True  # else its vision transformer takes one size of image only
        return {name: value for name, value in arguments.items() if name not in unused}


def build(settings: NetworkSettings, deep_supervision: bool = False) -> nn.Module:
    """Make the network, in training mode: [B, 3, H, W], H and W multiples of 16, -> logits [B, 2, H, W].

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
        start_from_lite2(segmenter(model).encoder, MEAN, STD)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1
        elif isinstance(module, DropPath):
            module.drop_prob = 0.0
    try:
        return _tried(model).train()
    except Exception as error:  # smp checks little: a wrong pair fails in many ways, some only when it runs
        raise _why_not(settings, error, deep_supervision) from error


def _why_not(settings: NetworkSettings, error: Exception, deep_supervision: bool) -> UsageError:
    """Make the error for a pair that does not run at all, or not with auxiliary heads."""
    if deep_supervision:
        with suppress(UsageError):
            build(settings.without_weights())
            return UsageError(
                f"{_pair(settings)} runs without deep supervision only", ": give {deep_supervision} 0"
            )
    return UsageError(f"{_pair(settings)} does not run: {in_short(error)}", ANOTHER)


def _create(settings: NetworkSettings, weights: str | bool | None, deep_supervision: bool) -> nn.Module:
    arguments = {**settings.arguments(), "encoder_weights": weights}
    arch = arguments.pop("arch")
    kind = LightResidual if arch == LIGHT else smp.MODEL_ARCHITECTURES_MAPPING[arch]
    if kind is LightResidual and settings.encoder_name != FAST_ENCODER:
        raise UsageError(f"{LIGHT} has the encoder {FAST_ENCODER}", ": leave {encoder} out")
    if deep_supervision and arch not in SUPERVISED:
        reason = f"deep supervision is for {' and '.join(SUPERVISED)}, not for {settings.arch}"
        raise UsageError(reason, ": give {deep_supervision} 0")
    try:
        network: nn.Module = supervised(kind, arguments) if deep_supervision else kind(**arguments)
    except (KeyError, ValueError, RuntimeError, TypeError, AttributeError, AssertionError) as error:
        raise UsageError(f"{_pair(settings)} cannot be made: {in_short(error)}", ANOTHER) from error
    return network


def _tried(model: nn.Module) -> nn.Module:
    """Freeze what the model does not use; put it behind infer's padding where it wants longer strides."""
    try:
        freeze_unused(model)
        return model
    except Exception:
        if isinstance(model, DeeplySupervised):
            raise
    model = PaddedSmp(model)
    freeze_unused(model)
    return model


def _pair(settings: NetworkSettings) -> str:
    return f"{settings.arch} with the encoder {settings.encoder_name}"


@torch.enable_grad()
def freeze_unused(model: nn.Module) -> None:
    """Stop the gradient of every parameter that no output depends on; auxiliary heads are outputs too.

    Raises ValueError where the logits have not the size of the image.
    """
    model.eval()  # a probe must not touch the running statistics
    image = torch.ones(1, 3, PROBE, PROBE)
    logits, auxiliary = model.supervise(image) if isinstance(model, DeeplySupervised) else (model(image), [])
    if logits.shape[2:] != image.shape[2:]:
        raise ValueError(f"an image of {PROBE} x {PROBE} pixels gives logits {list(logits.shape)}")
    torch.stack([output.sum() for output in (logits, *auxiliary)]).sum().backward()
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
