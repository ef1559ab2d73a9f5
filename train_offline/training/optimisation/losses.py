"""What training minimises: a weighted sum of losses on the mask, ignored pixels left out of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from segmentation_models_pytorch.losses import DiceLoss, LovaszLoss
from torch import Tensor, nn

from train_offline.data.folder import IGNORED
from train_offline.runtime.arguments import AMOUNT, FRACTION
from train_offline.runtime.options import option
from train_offline.training.optimisation.boundary_loss import boundary_loss


@dataclass(frozen=True)
class LossSettings:
    """The weight of each term; one of weight 0 is not computed."""

    # keeps the gradient alive where the others saturate
    entropy: float = option(1.0, "weight of cross entropy", type=AMOUNT, metavar="F")
    # of each class by itself: rare ice weighs as much as the wide background
    dice: float = option(1.0, "weight of classwise Dice", type=AMOUNT, metavar="F")
    # F1 of the boundaries
    boundary: float = option(0.0, "weight of the boundary loss", type=AMOUNT, metavar="F")
    # the IoU itself, made differentiable
    lovasz: float = option(0.0, "weight of Lovasz-softmax", type=AMOUNT, metavar="F")
    # of the whole sum on each auxiliary output, where the network has some
    deep: float = option(
        0.0,
        "weight of the losses of two heads on inner decoder stages, 0 = no heads; "
        "a preset's own holds where --arch can have them",
        key="deep_supervision",
        type=AMOUNT,
        metavar="F",
        section="network",
    )
    # share of the true class that cross entropy spreads over all classes
    smoothing: float = option(0.0, "of the labels in cross entropy", type=FRACTION, metavar="F")


class SegmentationLoss(nn.Module):
    """The weighted sum of cross entropy, Dice, boundary loss and Lovasz-softmax.

    Dice is smp's for each class (Milletari et al. 2016, arXiv:1606.04797; Kang et al. 2022), so is
    Lovasz-softmax (Berman et al. 2018, arXiv:1705.08790).

    Dice, boundary and Lovasz look at each class over the whole batch. A class without a true pixel in it adds
    nothing to them; a batch of ignored pixels only has loss 0.
    """

    def __init__(self, settings: LossSettings | None = None) -> None:
        super().__init__()
        self._settings = settings or LossSettings()
        self._dice = DiceLoss("multiclass", ignore_index=IGNORED)
        self._lovasz = LovaszLoss("multiclass", ignore_index=IGNORED)

    def forward(self, output: Tensor | tuple[Tensor, Sequence[Tensor]], labels: Tensor) -> Tensor:
        """Return the loss of a batch, a float32 scalar.

        Args:
            output: logits [B, C, H, W] of any float type, computed in fp32; or these and the auxiliary
                logits [B, C, h, w] of a network with deep supervision. The labels are shrunk to those by
                nearest neighbour and each adds `deep` times its loss, as in the code that Kang et al. (2022)
                trained with: main + 0.5 * (first + second).
            labels: int64 [B, H, W], 255 = ignored.
        """
        logits, auxiliary = (output, ()) if isinstance(output, Tensor) else output
        loss = self._on_one_output(logits, labels)
        if self._settings.deep:
            for smaller in auxiliary:
                fitting = _shrunk(labels, smaller.shape[-2:])
                loss = loss + self._settings.deep * self._on_one_output(smaller, fitting)
        return loss

    def _on_one_output(self, logits: Tensor, labels: Tensor) -> Tensor:
        logits, weight = logits.float(), self._settings
        loss = logits.new_zeros(())
        if weight.entropy:
            loss = loss + weight.entropy * _mean_entropy(logits, labels, weight.smoothing)
        if weight.dice:
            loss = loss + weight.dice * self._dice(logits, labels)
        if weight.boundary:
            loss = loss + weight.boundary * boundary_loss(logits, labels)
        if weight.lovasz:  # smp gives an empty tensor, not a scalar, where every pixel is ignored
            loss = loss + weight.lovasz * self._lovasz(logits, labels).sum()
        return loss


def _mean_entropy(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Mean over the pixels that count; 0, where torch's own mean is nan, when none does."""
    total = F.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum", label_smoothing=smoothing)
    return total / (labels != IGNORED).sum().clamp_min(1)


def _shrunk(labels: Tensor, size: torch.Size) -> Tensor:
    """int64 [B, H, W] labels at [B, *size] by nearest neighbour."""
    if labels.shape[-2:] == size:
        return labels
    return F.interpolate(labels[:, None].to(torch.uint8), size=tuple(size), mode="nearest")[:, 0].long()
