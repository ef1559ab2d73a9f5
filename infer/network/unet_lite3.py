"""The fast networks' encoder, the first four stages of tf_efficientnet_lite3, and the plain UNet over it.

EfficientNet-Lite is EfficientNet (Tan & Le 2019, arXiv:1905.11946) with ReLU6 and without squeeze-and-excite;
the decoder is the plain UNet of segmentation_models.pytorch (encoder "timm-tf_efficientnet_lite3", depth 4).
Every convolution here carries a bias: its folded BatchNorm. train_offline.models.folding makes the weights.
infer.network.light_lite3 holds the other decoder.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infer.network.architecture import CLASSES, DECODER, DEEPEST, EXPANSION, FIRST, SKIPS, STAGES, STEM


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """Make a convolution with a bias that keeps the size but for its stride."""
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups)


class SeparableBlock(nn.Module):
    """Depthwise 3x3 and pointwise convolution; the encoder's very first block."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depthwise = conv(inputs, inputs, 3, groups=inputs)
        self.project = conv(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, h, w]."""
        y: Tensor = self.project(F.relu6(self.depthwise(x), inplace=True))
        return y


class InvertedResidual(nn.Module):
    """Pointwise expansion, depthwise convolution, pointwise projection (Sandler et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = inputs * EXPANSION
        self.expand = conv(inputs, wide, 1)
        self.depthwise = conv(wide, wide, kernel, stride, groups=wide)
        self.project = conv(wide, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, h/stride, w/stride]."""
        y: Tensor = F.relu6(self.expand(x), inplace=True)
        y = F.relu6(self.depthwise(y), inplace=True)
        y = self.project(y)
        return y.add_(x) if self.residual else y


class DecoderBlock(nn.Module):
    """Upsample by two, concatenate the skip, convolve twice."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = conv(inputs + skip, outputs, 3)
        self.conv2 = conv(outputs, outputs, 3)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """[B, inputs, h, w], [B, skip, 2h, 2w] -> [B, outputs, 2h, 2w]."""
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        if skip is not None:
            x = torch.cat((x, skip), dim=1)
        x = F.relu(self.conv1(x), inplace=True)
        return F.relu(self.conv2(x), inplace=True)


def _stages() -> list[nn.Sequential]:
    stages, inputs = [], FIRST
    for blocks, kernel, stride, outputs in STAGES:
        first = InvertedResidual(inputs, outputs, kernel, stride)
        others = (InvertedResidual(outputs, outputs, kernel, 1) for _ in range(blocks - 1))
        stages.append(nn.Sequential(first, *others))
        inputs = outputs
    return stages


class Lite3Encoder(nn.Module):
    """What both fast networks begin with; a subclass adds `decoder` and `head`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3, STEM, 3, stride=2)
        self.first = SeparableBlock(STEM, FIRST)
        self.stages = nn.ModuleList(_stages())

    def encode(self, x: Tensor) -> tuple[Tensor, tuple[Tensor | None, ...]]:
        """[B, 3, H, W] -> deepest features [B, 136, H/16, W/16], and the skip of each decoder stage."""
        half = F.relu6(self.stem(x), inplace=True)  # [B, 32, H/2, W/2]
        quarter = self.stages[0](self.first(half))  # [B, 32, H/4, W/4]
        eighth = self.stages[1](quarter)  # [B, 48, H/8, W/8]
        return self.stages[3](self.stages[2](eighth)), (eighth, quarter, half, None)


class UNetLite3(Lite3Encoder):
    """[B, 3, H, W], normalised RGB, H and W multiples of 16 -> logits [B, 2, H, W]: not ice, ice."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (DEEPEST, *DECODER[:-1])
        self.decoder = nn.ModuleList(map(DecoderBlock, inputs, SKIPS, DECODER))
        self.head = conv(DECODER[-1], CLASSES, 3)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 3, H, W] -> logits [B, 2, H, W]."""
        x, skips = self.encode(x)
        for block, skip in zip(self.decoder, skips, strict=True):
            x = block(x, skip)
        logits: Tensor = self.head(x)  # x: [B, 16, H, W]
        return logits
