"""Validation on whole scenes, and which of them was the best one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from train_offline.data.sources import Source
from train_offline.scoring.evaluate import counts_of, predict
from train_offline.scoring.score import Score, score
from train_offline.training.checkpoint import BEST
from train_offline.training.log.tensorboard import picture_of

MAX_PICTURES = 4
TRAINING_LOSS = "the training loss"


@dataclass(frozen=True)
class Best:
    """The best validation so far, and how many there have been since.

    by: what `value` is (Validation.by), the higher the better; None before the first validation.
    """

    by: str = ""
    value: float | None = None
    step: int = 0
    stale: int = 0

    @classmethod
    def restored(cls, saved: Mapping[str, Any], by: str) -> Best:
        """Return what a checkpoint holds; nothing where it was chosen by something else, or other scenes."""
        return cls(**saved) if saved.get("by") == by else cls(by)

    def after(self, value: float, step: int) -> Best:
        """Return what is best once `step` has this value: the first of equals stays, NaN is never better."""
        if value == value and (self.value is None or value > self.value):
            return Best(self.by, value, step)
        return Best(self.by, self.value, self.step, self.stale + 1)


class Validation:
    """The scenes of every folder to score, shared among the processes."""

    def __init__(self, fabric: Fabric, sources: list[Source]) -> None:
        self._fabric, self._sources = fabric, sources
        self._with_ice = {source.name for source in sources if source.with_ice}

    def __bool__(self) -> bool:
        return bool(self._sources)

    @property
    def by(self) -> str:
        """What the best checkpoint is chosen by, in words.

        FWIoU hides the ice: it is a tenth of the pixels. Where no scene holds any there is no IoU of ice; a
        network that never says ice has no false ice either, so that share would keep the first epoch, whose
        network knows nothing, for ever. The training loss does not.
        """
        names = [source.name for source in self._sources]
        without = [name for name in names if name not in self._with_ice]
        if not self._with_ice:
            return TRAINING_LOSS
        less = f", less the false ice of {', '.join(without)}" if without else ""
        return f"IoU of ice of {', '.join(name for name in names if name in self._with_ice)}{less}"

    @property
    def notes(self) -> list[str]:
        """Lines for the user."""
        if not self._sources or self._with_ice:
            return []
        return [f"no scene to score holds ice: {BEST} follows {TRAINING_LOSS}"]

    def value(self, scores: Sequence[Score], loss: float) -> float:
        """Return what the best checkpoint is chosen by: every folder counts the same, whatever its pixels.

        loss: of the epoch. The mean IoU of ice of the folders that hold ice, less the mean share of false ice
        of those that hold none.
        """
        ice = [one.ice_iou for one in scores if one.source in self._with_ice]
        false_ice = [1 - one.accuracy for one in scores if one.source not in self._with_ice]
        if not ice:
            return -loss
        return float(np.mean(ice) - (np.mean(false_ice) if false_ice else 0.0))

    def scores(self, network: nn.Module, bf16: bool) -> list[Score]:
        """Score each folder, its pixels counted over all processes; all of them must call this."""
        fabric, scores = self._fabric, []
        for source in self._sources:
            mine = source.scenes[fabric.global_rank :: fabric.world_size]
            counted = torch.from_numpy(counts_of(network, mine, fabric.device, bf16)).to(fabric.device)
            total = cast(torch.Tensor, fabric.all_reduce(counted, reduce_op="sum"))
            found = score(source.name, *total.cpu().numpy())
            scores.append(found if source.name in self._with_ice else without_ice(found))
        return scores

    def pictures(self, network: nn.Module, bf16: bool) -> list[tuple[str, np.ndarray]]:
        """Draw scene, truth and prediction of a few scenes, those with ice first: name, uint8 [h, w, 3]."""
        each = max(1, MAX_PICTURES // max(1, len(self._sources)))
        chosen = [
            (f"{source.name}/{scene.name}", scene)
            for source in self._sources
            for scene in (source.with_ice or source.scenes)[:each]
        ]
        was_training = network.training
        network.eval()
        pictures = [
            (name, picture_of(scene, predict(network, scene.image, self._fabric.device, bf16)))
            for name, scene in chosen[:MAX_PICTURES]
        ]
        network.train(was_training)
        return pictures


def without_ice(found: Score) -> Score:
    """Return the scores of scenes that hold no ice: counting alone gives it an IoU of 0 or NaN."""
    return replace(found, ice_iou=math.nan, ice_f1=math.nan)


def means_of(scores: Sequence[Score]) -> dict[str, float]:
    """Return what history says of all folders: their mean FWIoU, and mean IoU of ice where any holds it."""
    ice = [one.ice_iou for one in scores if not math.isnan(one.ice_iou)]
    means = {"fwiou": float(np.mean([one.fwiou for one in scores]))}
    return means | ({"ice_iou": float(np.mean(ice))} if ice else {})
