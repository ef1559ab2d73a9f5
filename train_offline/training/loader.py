"""Batches of crops for every process, drawn by worker processes while the network computes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from infer.errors import UsageError
from train_offline.data.crops.sampler import Crops, crops_in_epoch
from train_offline.data.sources import Source
from train_offline.runtime.signals import leave_signals_to_parent
from train_offline.training.checkpoint import Checkpoint
from train_offline.training.config.settings import TrainSettings
from train_offline.training.optimisation.schedule import End


@dataclass(frozen=True)
class Plan:
    """How a run is divided; crops_per_step: of all processes together; end: of the run."""

    crops_per_step: int
    steps_per_epoch: int
    end: End


def plan(settings: TrainSettings, sources: list[Source], processes: int) -> Plan:
    """Reckon how many steps an epoch has, and when the run ends."""
    given = settings.end
    crops_per_step = settings.optimisation.batch * processes
    crops = given.epoch_crops or crops_in_epoch(sources, settings.crops)
    steps_per_epoch = math.ceil(crops / crops_per_step)
    ends = [given.steps, given.epochs and given.epochs * steps_per_epoch]
    seconds = given.time_limit and given.time_limit * 60
    return Plan(crops_per_step, steps_per_epoch, End(min((n for n in ends if n), default=None), seconds))


def require_same_epochs(plan: Plan, saved: Checkpoint) -> None:
    """Raise UsageError where going on from `saved` would jump to another place of another epoch."""
    if saved.crops_per_step not in (0, plan.crops_per_step):
        raise UsageError(
            f"the checkpoint has {saved.crops_per_step} crops in a step",
            f" ({{batch}} times devices), not {plan.crops_per_step}; resume with as many, or begin a new run "
            "from it with {init}",
        )
    if saved.steps_per_epoch not in (0, plan.steps_per_epoch):
        raise UsageError(
            f"the checkpoint's epochs have {saved.steps_per_epoch} steps, not {plan.steps_per_epoch}",
            f"; resume with {{epoch_crops}} {saved.steps_per_epoch * saved.crops_per_step}",
        )


def batches(
    fabric: Fabric, settings: TrainSettings, sources: list[Source], plan: Plan, epoch: int, steps_done: int
) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
    """Give this process's part of what is left of an epoch.

    Images are uint8 [B, S, S, 3], labels uint8 [B, S, S]. A step's crops are the same however many processes
    share them.
    """
    workers = settings.data.workers
    crops = Crops(
        sources,
        settings.crops,
        settings.run.seed,
        epoch,
        count=plan.steps_per_epoch * plan.crops_per_step,
        start=steps_done * plan.crops_per_step,
    )
    loader = DataLoader(
        crops,
        settings.optimisation.batch,
        num_workers=workers,
        worker_init_fn=_start_worker,
        pin_memory=fabric.device.type == "cuda",
        prefetch_factor=4 if workers else None,
        generator=torch.Generator(),  # else it takes a number from torch's own, and a resumed run one more
    )
    shared = fabric.setup_dataloaders(loader)
    if isinstance(shared, list):  # Fabric's answer to several loaders
        raise TypeError("one loader was given, several came back")
    return shared


def _start_worker(worker: int) -> None:
    leave_signals_to_parent()
    cv2.setNumThreads(0)  # the processors belong to the network
