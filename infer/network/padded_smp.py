"""Networks of smp behind padding: deeper encoders want sides that are multiples of 32, not of 16."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from infer.network.padding import padded

USUAL_STRIDE = 32
MIN_SIDE = {"PAN": 128}  # pixels of a side: it pools its deepest map, at 1/16, three times more


class PaddedSmp(nn.Module):
    """An smp network behind padding: [B, 3, H, W] of any H and W -> logits [B, 2, H, W].

    Raises ValueError for a network whose logits have not the size of its image.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._min_side = MIN_SIDE.get(type(network).__name__, 1)
        self._multiple = math.lcm(USUAL_STRIDE, getattr(network.encoder, "output_stride", USUAL_STRIDE))

    def forward(self, x: Tensor) -> Tensor:
        """[B, 3, H, W] -> logits [B, 2, H, W]."""
        height, width = x.shape[2:]
        # Edges are repeated, not reflected: torch reflects no further than the image reaches.
        right, below = (self._padded(side) - side for side in (width, height))
        x = F.pad(x, (0, right, 0, below), mode="replicate")
        logits: Tensor = self.network(x)
        if logits.shape[2:] != x.shape[2:]:
            raise ValueError(f"logits of {list(logits.shape[2:])} for an image of {list(x.shape[2:])}")
        return logits[:, :, :height, :width]

    def _padded(self, side: int) -> int:
        return padded(max(side, self._min_side), self._multiple)
