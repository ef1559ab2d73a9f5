"""Give a wider and deeper EfficientNet what a narrower one has learned, without changing what it computes.

After Chen, Goodfellow & Shlens 2016, Net2Net (arXiv:1511.05641): a channel too many repeats one that is
there, and whoever reads both takes a share of each. A block too many starts as the identity.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SHARES = (0.5, 1.5)  # unequal, or a channel and its copy would stay the same for ever


@torch.no_grad()
def widen(narrow: nn.Module, wide: nn.Module, seed: int = 0) -> None:
    """Set `wide` to compute what `narrow` does, both smp's EfficientNets with as many stages.

    Channel c of a stage of `wide` is channel c of `narrow` where that has one, else a copy of another.
    """
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
        """For each of `wide` channels, which of the `narrow` ones it is: int64 [wide]."""
        more = torch.randint(narrow, (wide - narrow,), generator=self._generator)
        return torch.cat([torch.arange(narrow), more])

    def block(self, narrow: nn.Module, wide: nn.Module, into: Tensor, out: Tensor) -> None:
        if not hasattr(wide, "conv_pwl"):  # no expansion: depthwise, then pointwise
            _depthwise(narrow.conv_dw, wide.conv_dw, into)
            _batch_norm(narrow.bn1, wide.bn1, into)
            self.convolution(narrow.conv_pw, wide.conv_pw, into, out)
            _batch_norm(narrow.bn2, wide.bn2, out)
            return
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
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(wide, name).copy_(getattr(narrow, name)[channels])


def _silence(block: nn.Module) -> None:
    block.bn3.weight.zero_()
    block.bn3.bias.zero_()


def _width(block: nn.Module) -> int:
    return getattr(block, "conv_pwl", block.conv_pw).out_channels
