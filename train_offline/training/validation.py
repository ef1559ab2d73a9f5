"""Validation on whole scenes, and which of them was the best one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from train_offline.data.sources import Source
from train_offline.scoring.evaluate import counts_of, predict
from train_offline.scoring.score import Score, score
from train_offline.training.log.tensorboard import picture_of

MAX_PICTURES = 4


@dataclass(frozen=True)
class Best:
    """The best validation so far, and how many there have been since; fwiou: mean over the folders."""

    fwiou: float | None = None
    step: int = 0
    stale: int = 0

    def after(self, fwiou: float, step: int) -> Best:
        """Return what is best once `step` scored `fwiou`: the first of equals stays, NaN is never better."""
        if fwiou == fwiou and (self.fwiou is None or fwiou > self.fwiou):
            return Best(fwiou, step)
        return Best(self.fwiou, self.step, self.stale + 1)


class Validation:
    """The scenes of every folder to score, shared among the processes."""

    def __init__(self, fabric: Fabric, sources: list[Source]) -> None:
        self._fabric, self._sources = fabric, sources

    def __bool__(self) -> bool:
        return bool(self._sources)

    def scores(self, network: nn.Module, bf16: bool) -> list[Score]:
        """Score each folder, its pixels counted over all processes; all of them must call this."""
        fabric, scores = self._fabric, []
        for source in self._sources:
            mine = source.scenes[fabric.global_rank :: fabric.world_size]
            counted = torch.from_numpy(counts_of(network, mine, fabric.device, bf16)).to(fabric.device)
            total = cast(torch.Tensor, fabric.all_reduce(counted, reduce_op="sum"))
            scores.append(score(source.name, *total.cpu().numpy()))
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


def mean_fwiou(scores: list[Score]) -> float:
    """Return what the best checkpoint is chosen by: every folder counts the same, whatever its pixels."""
    return float(np.mean([s.fwiou for s in scores]))
