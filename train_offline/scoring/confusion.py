"""Scores of a two-class mask, all of them computed from one confusion matrix.

The matrices of several scenes are summed before anything is divided, as the 2021 Gaofen Challenge does it:
a scene without ice then counts for its pixels and never for a quotient of nothing.
"""

from __future__ import annotations

import numpy as np


def confusion(truth: np.ndarray, predicted: np.ndarray, ignore: np.ndarray | None = None) -> np.ndarray:
    """Count the pixels of one scene by true and by predicted class.

    Args:
        truth: [H, W] bool or integer mask; any value other than zero means ice.
        predicted: likewise.
        ignore: [H, W] mask of the pixels to leave out (other than zero = left out), or None.

    Returns:
        int64 [2, 2]; rows are the truth, columns the prediction, index 0 background and 1 ice.

    Raises:
        ValueError: the masks differ in shape.
    """
    shapes = {m.shape for m in (truth, predicted, ignore) if m is not None}
    if len(shapes) != 1:
        raise ValueError(f"masks differ in shape: {' and '.join(map(str, sorted(shapes)))}")
    truth, predicted = truth != 0, predicted != 0
    total: int = truth.size
    if ignore is not None:
        kept = ignore == 0
        truth, predicted, total = truth & kept, predicted & kept, int(np.count_nonzero(kept))
    both, true_ice, said_ice = (np.count_nonzero(m) for m in (truth & predicted, truth, predicted))
    false_ice, missed = said_ice - both, true_ice - both
    return np.array([[total - both - false_ice - missed, false_ice], [missed, both]], dtype=np.int64)


def iou(conf: np.ndarray) -> np.ndarray:
    """Return intersection over union per class, float64 [C]; NaN for one neither true nor predicted."""
    hits = np.diagonal(conf).astype(np.float64)
    return _quotient(hits, conf.sum(axis=1) + conf.sum(axis=0) - hits)


def f1(conf: np.ndarray) -> np.ndarray:
    """Return F1 (Dice) of each class: float64 [C]; NaN for a class neither true nor predicted anywhere."""
    hits = np.diagonal(conf).astype(np.float64)
    return _quotient(2 * hits, conf.sum(axis=1) + conf.sum(axis=0))


def fwiou(conf: np.ndarray) -> float:
    """Return frequency-weighted IoU.

    It is the sum over classes of (n_c / N) * IoU_c, n_c the true pixels of class c.
    A class without a true pixel has weight 0, however often it was predicted; NaN when there is no pixel.
    Source: Garcia-Garcia et al. 2017 (arXiv:1704.06857), the ranking of the 2021 Gaofen Challenge.
    """
    true_pixels = conf.sum(axis=1)
    present = true_pixels > 0
    if not present.any():
        return float("nan")
    return float((true_pixels[present] / true_pixels.sum() * iou(conf)[present]).sum())


def overall_accuracy(conf: np.ndarray) -> float:
    """Return the share of pixels that got their true class; NaN when there is no pixel."""
    return float(_quotient(np.trace(conf), conf.sum()))


def _quotient(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide in float64; NaN, without a warning, where the divisor is zero."""
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    quotient = np.full(below.shape, np.nan)
    return np.asarray(np.divide(above, below, out=quotient, where=below > 0))
