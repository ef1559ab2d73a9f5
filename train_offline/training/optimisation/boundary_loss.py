"""A differentiable F1 of class boundaries, for training."""

from __future__ import annotations

from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor

from train_offline.data.folder import IGNORED

INNER = 3  # side of the square that finds boundary pixels: theta_0 of the paper
REACH = 5  # side of the square within which a boundary pixel counts as found: theta


def boundary_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean over classes of 1 - F1 of the boundary, a scalar in the logits' type.

    A pixel is on a class's boundary as far as it belongs to the class and a pixel of its 3 x 3 neighbourhood
    does not. Precision is the share of the predicted boundary within 2 pixels of the true one, recall the
    reverse (Bokhovkin & Burnaev 2019, arXiv:1905.07852; theta_0 = 3, theta = 5). Ignored pixels make no
    boundary and match none.

    The paper divides tile by tile. Here the sums run over the whole batch, as those of the Dice loss do: a
    tile without ice has no recall, and by itself would cost a constant 1 that teaches nothing; in the batch
    its false boundaries still cost precision. A class without a true boundary in the batch adds nothing.

    Args:
        logits: float [B, C, H, W].
        labels: int64 [B, H, W], 255 = ignored.
    """
    kept = labels != IGNORED
    truth = torch.stack([labels == c for c in range(logits.shape[1])], 1)  # [B, C, H, W]
    kept = kept[:, None].to(logits.dtype)
    true_edge, true_reach = _boundary(truth.to(logits.dtype), kept)
    said_edge, said_reach = _boundary(logits.softmax(1).contiguous(), kept)
    true_pixels = true_edge.sum((0, 2, 3))  # [C], as all that follows
    # Less than one pixel of boundary is none. Without this floor a flat prediction, whose boundary is
    # rounding noise, would have a gradient of millions.
    precision = (said_edge * true_reach).sum((0, 2, 3)) / said_edge.sum((0, 2, 3)).clamp_min(1)
    recall = (true_edge * said_reach).sum((0, 2, 3)) / true_pixels.clamp_min(1)
    f1 = 2 * precision * recall / (precision + recall).clamp_min(torch.finfo(logits.dtype).eps)
    return ((1 - f1) * (true_pixels > 0)).mean()


def _boundary(belongs: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Return the boundary of maps [B, C, H, W] of membership from 0 to 1, and it widened by the reach."""
    outside = (1 - belongs) * kept
    edge = (_dilated(outside, INNER) - outside) * kept
    return edge, _dilated(edge, REACH)


def _dilated(x: Tensor, side: int) -> Tensor:
    """Return the largest value in a square around each pixel of x [B, C, H, W], which must not be negative.

    First along rows, then along columns. Of the two ways to write it each has the faster half: with a
    gradient max_pool2d, without one (the truth) the maximum of shifted copies, in a tenth of the time.
    """
    reach = side // 2
    if x.requires_grad:
        along_rows = F.max_pool2d(x, (1, side), 1, (0, reach))
        return F.max_pool2d(along_rows, (side, 1), 1, (reach, 0))
    for dim, padding in ((3, (reach, reach)), (2, (0, 0, reach, reach))):
        padded = F.pad(x, padding)
        x = reduce(torch.maximum, [padded.narrow(dim, i, x.shape[dim]) for i in range(side)])
    return x
