"""The parts of smp's and timm's networks that this package reaches into, with their types.

To torch's stubs every attribute of a module is a `Tensor | Module`; these protocols say what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeGuard, cast

from torch import Tensor, nn


class Block(Protocol):
    """A block of timm's EfficientNet without an expansion: conv_dw, bn1, conv_pw, bn2."""

    conv_dw: nn.Conv2d
    conv_pw: nn.Conv2d
    bn1: nn.BatchNorm2d
    bn2: nn.BatchNorm2d


class ExpandedBlock(Block, Protocol):
    """An inverted residual block: conv_pw, bn1, conv_dw, bn2, conv_pwl, bn3."""

    conv_pwl: nn.Conv2d
    bn3: nn.BatchNorm2d


class EfficientNet(Protocol):
    """smp's encoder of timm's EfficientNet; blocks: those of each stage."""

    conv_stem: nn.Conv2d
    bn1: nn.BatchNorm2d

    @property
    def blocks(self) -> Sequence[Sequence[Block]]:
        """The blocks of each stage."""


class UnetDecoder(Protocol):
    """smp's UNet decoder, or one that is built like it."""

    center: nn.Module
    blocks: nn.ModuleList


class Segmenter(Protocol):
    """A network of smp."""

    encoder: nn.Module
    decoder: nn.Module
    segmentation_head: nn.Sequential


def efficientnet(encoder: nn.Module) -> EfficientNet:
    """Return the encoder itself, which must be an EfficientNet."""
    return cast(EfficientNet, encoder)


def unet_decoder(decoder: nn.Module) -> UnetDecoder:
    """Return the decoder itself, which must be built like smp's UNet decoder."""
    return cast(UnetDecoder, decoder)


def segmenter(network: nn.Module) -> Segmenter:
    """Return the network itself, which must be one of smp."""
    return cast(Segmenter, network)


def expands(block: Block) -> TypeGuard[ExpandedBlock]:
    """Tell whether a block has an expansion."""
    return hasattr(block, "conv_pwl")


def statistics(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return the running mean and variance, float32 [C] each; raises ValueError where none are kept."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("a BatchNorm that keeps no statistics")
    return norm.running_mean, norm.running_var
