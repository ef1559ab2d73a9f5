"""Other networks want sizes that the fast one does not: deeper encoders, multiples of 32."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

USUAL_STRIDE = 32


class AnySize(nn.Module):
    """An smp network behind padding: [B, 3, H, W] of any H and W -> logits [B, 2, H, W]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._multiple = math.lcm(USUAL_STRIDE, getattr(network.encoder, "output_stride", USUAL_STRIDE))

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        # Edges are repeated, not reflected: torch reflects no further than the image reaches.
        padding = (0, -width % self._multiple, 0, -height % self._multiple)
        return self.network(F.pad(x, padding, mode="replicate"))[:, :, :height, :width]
