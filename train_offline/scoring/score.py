"""All scores of a set of scenes, from counts that are summed over its scenes before anything is divided."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from train_offline.scoring.boundary import boundary_f1, boundary_matches
from train_offline.scoring.confusion import confusion, f1, fwiou, iou, overall_accuracy


@dataclass(frozen=True)
class Score:
    """The scores of one source of scenes, each from 0 to 1; NaN where it has nothing to be computed from."""

    source: str
    fwiou: float
    ice_iou: float
    background_iou: float
    ice_f1: float
    background_f1: float
    accuracy: float  # share of the pixels with their true class
    boundary_f1: float  # at two pixels; NaN too where boundaries were not counted

    def figures(self) -> dict[str, float]:
        """Return every score by its name in history.csv, the weights' metadata and the dry run's report."""
        return {name: value for name, value in asdict(self).items() if name != "source"}

    def __str__(self) -> str:
        boundary = "" if math.isnan(self.boundary_f1) else f", boundary F1 {self.boundary_f1:.4f}"
        ice = f"IoU of ice {self.ice_iou:.4f}"
        if math.isnan(self.ice_iou):
            ice = f"no ice, false ice on {1 - self.accuracy:.3%}"
        return f"{self.source}: FWIoU {self.fwiou:.4f}, {ice}{boundary}"


def counts(truth: np.ndarray, predicted: np.ndarray, ignore: np.ndarray | None = None) -> np.ndarray:
    """Count what the scores of one scene are computed from: int64 [2, 2, 2], to be summed over scenes.

    First the confusion matrix, then the boundary's matches; arguments and errors as of confusion.confusion.
    """
    return np.stack([confusion(truth, predicted, ignore), boundary_matches(truth, predicted, ignore)])


def score(source: str, conf: np.ndarray, boundary: np.ndarray | None = None) -> Score:
    """Compute the scores of a source from its summed counts.

    Called as `score(name, *counts(...))`. conf: confusion matrix [2, 2]. boundary: matches [2, 2], or None
    for no boundary F1.
    """
    (background_iou, ice_iou), (background_f1, ice_f1) = iou(conf).tolist(), f1(conf).tolist()
    return Score(
        source,
        fwiou=fwiou(conf),
        ice_iou=ice_iou,
        background_iou=background_iou,
        ice_f1=ice_f1,
        background_f1=background_f1,
        accuracy=overall_accuracy(conf),
        boundary_f1=float("nan") if boundary is None else boundary_f1(boundary),
    )
