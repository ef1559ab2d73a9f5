"""The light residual decoder over one of smp's encoders: the network `light-residual` in training.

Source: J. Kang, F. Tong, X. Ding, S. Li et al., "Decoding the Partial Pretrained Networks for Sea-Ice
Segmentation of 2021 Gaofen Challenge", IEEE JSTARS 15, 2022, read as the authors' published code has it. The
block is that of EfficientUNet++ (Silva et al. 2021): an inverted residual without expansion, with SCSE behind
its depthwise convolution. infer.network.light_lite3 is the same network with BatchNorm folded away.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from segmentation_models_pytorch.base import SegmentationHead, SegmentationModel
from segmentation_models_pytorch.base.modules import SCSEModule
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from segmentation_models_pytorch.encoders import get_encoder
from torch import Tensor, nn
from torch.nn import functional as F

KERNEL = 5  # of the depthwise convolutions


class ResidualBlock(nn.Module):
    """Pointwise, depthwise 5x5, SCSE, pointwise; beside it a shortcut, 1x1 where the channels change.

    Hardswish follows the first two BatchNorms, the projection stays linear; SCSE has as many hidden channels
    as channels (reduction 1).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.expand = _conv_norm(inputs, inputs, 1)
        self.depthwise = _conv_norm(inputs, inputs, KERNEL, groups=inputs)
        self.attention = SCSEModule(inputs, reduction=1)
        self.project = _conv_norm(inputs, outputs, 1)
        self.shortcut = _conv_norm(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, h, w]."""
        y = F.hardswish(self.expand(x))
        y = F.hardswish(self.depthwise(y))
        out: Tensor = self.project(self.attention(y)) + self.shortcut(x)
        return out


class LightStage(nn.Module):
    """A decoder stage, called as smp calls its own: upsample, concatenate the skip, two residual blocks."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.block1 = ResidualBlock(inputs + skip, outputs)
        self.block2 = ResidualBlock(outputs, outputs)

    def forward(
        self,
        feature_map: Tensor,
        target_height: int,
        target_width: int,
        skip_connection: Tensor | None = None,
    ) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, target_height, target_width]."""
        x = F.interpolate(feature_map, size=(target_height, target_width), mode="nearest")
        if skip_connection is not None:
            x = torch.cat((x, skip_connection), dim=1)
        out: Tensor = self.block2(self.block1(x))
        return out


class LightDecoder(UnetDecoder):  # type: ignore[misc]  # smp brings no types
    """smp's UNet decoder, its forward pass included, with light stages in place of its own."""

    def __init__(self, encoder_channels: Sequence[int], decoder_channels: Sequence[int]) -> None:
        nn.Module.__init__(self)  # UnetDecoder's would first build the stages that are replaced
        deepest_first = list(encoder_channels[:0:-1])  # without the image itself
        inputs = (deepest_first[0], *decoder_channels[:-1])
        skips = (*deepest_first[1:], 0)
        self.center = nn.Identity()
        self.blocks = nn.ModuleList(map(LightStage, inputs, skips, decoder_channels))


class LightResidual(SegmentationModel):  # type: ignore[misc]  # smp brings no types
    """[B, 3, H, W], normalised RGB -> logits [B, classes, H, W]."""

    requires_divisible_input_shape = False  # as in smp.Unet: stages enlarge to the size of their skip

    def __init__(
        self,
        encoder_name: str,
        encoder_depth: int,
        encoder_weights: str | None,
        decoder_channels: Sequence[int],
        classes: int,
    ) -> None:
        super().__init__()
        self.encoder = get_encoder(encoder_name, depth=encoder_depth, weights=encoder_weights)
        self.decoder = LightDecoder(self.encoder.out_channels, decoder_channels)
        self.segmentation_head = SegmentationHead(decoder_channels[-1], classes, kernel_size=3)
        self.classification_head = None  # smp's forward pass asks for it
        self.initialize()


def _conv_norm(inputs: int, outputs: int, kernel: int, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))
