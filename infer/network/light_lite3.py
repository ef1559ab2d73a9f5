"""The light network: the fast UNet's encoder with the light residual decoder of Kang et al. 2022, folded.

Source: J. Kang, F. Tong, X. Ding, S. Li et al., "Decoding the Partial Pretrained Networks for Sea-Ice
Segmentation of 2021 Gaofen Challenge", IEEE JSTARS 15, 2022. A decoder stage is two inverted residual blocks:
pointwise and depthwise 5x5 convolution, SCSE attention (Roy et al. 2018, arXiv:1803.02579), projection.
train_offline.models.light_residual is the same network with its BatchNorm; models.folding makes the weights.

SCSE weighs a channel by its mean over the whole input, so a pixel's class depends on all that goes through
the network with it. A scene cut into tiles (larger than --tile, or memory running out) does not give exactly
the mask of the whole scene, and where a side is no multiple of 16 pixels the reflected padding counts in the
means. Exact: a scene that goes through whole gives the training network's logits of the same padded scene,
and the other scenes of its batch change nothing.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infer.network.architecture import CLASSES, DECODER, DEEPEST, SKIPS
from infer.network.unet_lite3 import Lite3Encoder, conv


class Attention(nn.Module):
    """SCSE: every value times the sum of a gate for its channel and a gate for its pixel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = conv(channels, channels, 1)
        self.excite = conv(channels, channels, 1)
        self.pixel = conv(channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, h, w] -> the same."""
        mean = x.mean(dim=(2, 3), keepdim=True)
        of_channel = torch.sigmoid(self.excite(F.relu(self.squeeze(mean))))  # [B, channels, 1, 1]
        of_pixel = torch.sigmoid(self.pixel(x))  # [B, 1, h, w]
        return x * (of_channel + of_pixel)


class ResidualBlock(nn.Module):
    """Two convolutions, attention and a projection beside a shortcut (1x1 where the channels change)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.expand = conv(inputs, inputs, 1)
        self.depthwise = conv(inputs, inputs, 5, groups=inputs)
        self.attention = Attention(inputs)
        self.project = conv(inputs, outputs, 1)
        self.shortcut = conv(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, h, w]."""
        y: Tensor = F.hardswish(self.expand(x), inplace=True)
        y = F.hardswish(self.depthwise(y), inplace=True)
        y = self.project(self.attention(y))
        return y.add_(self.shortcut(x))


class LightStage(nn.Module):
    """Upsample by two, concatenate the skip, two residual blocks."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.block1 = ResidualBlock(inputs + skip, outputs)
        self.block2 = ResidualBlock(outputs, outputs)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """[B, inputs, h, w], [B, skip, 2h, 2w] -> [B, outputs, 2h, 2w]."""
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        if skip is not None:
            x = torch.cat((x, skip), dim=1)
        y: Tensor = self.block2(self.block1(x))
        return y


class LightLite3(Lite3Encoder):
    """[B, 3, H, W], normalised RGB, H and W multiples of 16 -> logits [B, 2, H, W]: not ice, ice."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (DEEPEST, *DECODER[:-1])
        self.decoder = nn.ModuleList(map(LightStage, inputs, SKIPS, DECODER))
        self.head = conv(DECODER[-1], CLASSES, 3)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 3, H, W] -> logits [B, 2, H, W]."""
        x, skips = self.encode(x)
        for stage, skip in zip(self.decoder, skips, strict=True):
            x = stage(x, skip)
        logits: Tensor = self.head(x)  # x: [B, 16, H, W]
        return logits
