"""What training minimises: cross entropy + classwise Dice, ignored pixels left out of both."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from segmentation_models_pytorch.losses import DiceLoss
from torch import nn

from train_offline.folder import IGNORED


class SegmentationLoss(nn.Module):
    """Mean cross entropy plus smp's Dice loss per class over the whole batch.

    Dice looks at each class by itself, so rare ice weighs as much as the wide background (Milletari et al.
    2016, arXiv:1606.04797); cross entropy keeps the gradient alive where Dice saturates. A class without a
    true pixel in the batch adds nothing to Dice; a batch of ignored pixels only has loss 0.
    """

    def __init__(self, dice_weight: float = 1.0) -> None:
        super().__init__()
        self._dice_weight = dice_weight
        self._dice = DiceLoss("multiclass", ignore_index=IGNORED)

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """logits: [B, C, H, W], any float type, computed in fp32; labels: int64 [B, H, W], 255 = ignored."""
        logits = logits.float()
        counted = (labels != IGNORED).sum().clamp_min(1)
        entropy = F.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum") / counted
        return entropy + self._dice_weight * self._dice(logits, labels)
