"""Give a wider and deeper EfficientNet what a narrower one has learned, without changing what it computes.

After Chen, Goodfellow & Shlens 2016, Net2Net (arXiv:1511.05641): a channel too many repeats one that is
there, and whoever reads both takes a share of each. A block too many starts as the identity.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from train_offline.models.parts import Block, efficientnet, expands, statistics

SHARES = (0.5, 1.5)  # unequal, or a channel and its copy would stay the same for ever


@torch.no_grad()
def widen(narrow_encoder: nn.Module, wide_encoder: nn.Module, seed: int = 0) -> None:
    """Set the wide encoder to compute what the narrow one does, both smp's EfficientNets with equal stages.

    Channel c of a stage of the wide one is channel c of the narrow one where that has one, else a copy of
    another.
    """
    narrow, wide = efficientnet(narrow_encoder), efficientnet(wide_encoder)
    widener = _Widener(torch.Generator().manual_seed(seed))
    trunk = widener.copies(narrow.conv_stem.out_channels, wide.conv_stem.out_channels)
    widener.convolution(narrow.conv_stem, wide.conv_stem, torch.arange(narrow.conv_stem.in_channels), trunk)
    _batch_norm(narrow.bn1, wide.bn1, trunk)
    for narrow_stage, wide_stage in zip(narrow.blocks, wide.blocks, strict=True):
        out = widener.copies(_width(narrow_stage[0]), _width(wide_stage[0]))
        for number, block in enumerate(wide_stage):
            widener.block(narrow_stage[min(number, len(narrow_stage) - 1)], block, trunk, out)
            if number >= len(narrow_stage):
                _silence(block)
            trunk = out


class _Widener:
    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def copies(self, narrow: int, wide: int) -> Tensor:
        """Choose for each of `wide` channels, which of the `narrow` ones it is: int64 [wide]."""
        more = torch.randint(narrow, (wide - narrow,), generator=self._generator)
        return torch.cat([torch.arange(narrow), more])

    def block(self, narrow: Block, wide: Block, into: Tensor, out: Tensor) -> None:
        if not expands(wide):  # depthwise, then pointwise
            _depthwise(narrow.conv_dw, wide.conv_dw, into)
            _batch_norm(narrow.bn1, wide.bn1, into)
            self.convolution(narrow.conv_pw, wide.conv_pw, into, out)
            _batch_norm(narrow.bn2, wide.bn2, out)
            return
        if not expands(narrow):
            raise AttributeError("the narrow block has no expansion, the wide one has")
        hidden = self.copies(narrow.conv_pw.out_channels, wide.conv_pw.out_channels)
        self.convolution(narrow.conv_pw, wide.conv_pw, into, hidden)
        _batch_norm(narrow.bn1, wide.bn1, hidden)
        _depthwise(narrow.conv_dw, wide.conv_dw, hidden)
        _batch_norm(narrow.bn2, wide.bn2, hidden)
        self.convolution(narrow.conv_pwl, wide.conv_pwl, hidden, out)
        _batch_norm(narrow.bn3, wide.bn3, out)

    def convolution(self, narrow: nn.Conv2d, wide: nn.Conv2d, into: Tensor, out: Tensor) -> None:
        share = torch.empty(len(into)).uniform_(*SHARES, generator=self._generator)
        share /= torch.zeros(narrow.in_channels).index_add(0, into, share)[into]  # of a channel's copies: 1
        wide.weight.copy_(narrow.weight[out][:, into] * share[:, None, None])


def _depthwise(narrow: nn.Conv2d, wide: nn.Conv2d, channels: Tensor) -> None:
    wide.weight.copy_(narrow.weight[channels])


def _batch_norm(narrow: nn.BatchNorm2d, wide: nn.BatchNorm2d, channels: Tensor) -> None:
    wide.weight.copy_(narrow.weight[channels])
    wide.bias.copy_(narrow.bias[channels])
    for ours, theirs in zip(statistics(wide), statistics(narrow), strict=True):
        ours.copy_(theirs[channels])


def _silence(block: Block) -> None:
    """Make a residual block the identity."""
    if not expands(block):
        raise AttributeError("a block without an expansion cannot be added")
    block.bn3.weight.zero_()
    block.bn3.bias.zero_()


def _width(block: Block) -> int:
    return (block.conv_pwl if expands(block) else block.conv_pw).out_channels
