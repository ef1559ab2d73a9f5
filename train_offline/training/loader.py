"""Batches of crops for every process, drawn by worker processes while the network computes."""

from __future__ import annotations

import math
import multiprocessing
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

import cv2
import numpy as np
import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader, DistributedSampler

from infer.errors import UsageError
from train_offline.data.crops.sampler import Crops, crops_in_epoch
from train_offline.data.sources import Source
from train_offline.runtime.signals import end_with_parent, leave_signals_to_parent
from train_offline.training.checkpoint import Checkpoint
from train_offline.training.config.presets import ENDS
from train_offline.training.config.settings import TrainSettings
from train_offline.training.optimisation.schedule import End

Item = tuple[torch.Tensor, torch.Tensor]  # of Crops
Batch = tuple[np.ndarray, np.ndarray]  # images uint8 [B, S, S, 3], labels uint8 [B, S, S]


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


def same_end(settings: TrainSettings, saved: Checkpoint) -> bool:
    """Tell whether a run that goes on from `saved` ends where that would have ended."""
    return all(getattr(settings.end, name) == saved.settings.get(name) for name in ENDS)


class Workers:
    """The processes that draw the crops of an epoch, and what became of them."""

    def __init__(self) -> None:
        self._processes: list[BaseProcess] = []

    def start(self, loader: DataLoader[Item]) -> Iterator[Batch]:
        """Begin an epoch; the processes that this starts are those that are watched."""
        before = set(multiprocessing.active_children())
        iterator: Iterator[Batch] = iter(loader)
        self._processes = [one for one in multiprocessing.active_children() if one not in before]
        return iterator

    def lost(self) -> UsageError | None:
        """Return the error for one that was killed, after which nothing else waits for the others either.

        torch raises a RuntimeError for it, at any place of the main thread, and has no type for that.
        """
        codes = [one.exitcode for one in self._processes if one.exitcode not in (None, 0)]
        if not codes:
            return None
        for one in self._processes:
            one.kill()  # one that waits for what the lost one held would be waited for
        how = f"by signal {-codes[0]}" if codes[0] and codes[0] < 0 else f"with {codes[0]}"
        reason = f"a process that draws crops has ended {how}, for want of memory perhaps"
        return UsageError(reason, "; what was saved is kept: lower {workers} and go on with {resume}")


def batches(
    fabric: Fabric,
    settings: TrainSettings,
    sources: list[Source],
    plan: Plan,
    epoch: int,
    steps_done: int,
    workers: Workers,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Give this process's part of what is left of an epoch, on its device.

    Images are uint8 [B, S, S, 3], labels uint8 [B, S, S]. A step's crops are the same however many processes
    share them. They come through pipes: in shared memory, where torch puts tensors, Docker gives 64 MB to
    all, and the process that finds no more of it dies.
    """
    crops = Crops(
        sources,
        settings.crops,
        settings.run.seed,
        epoch,
        count=plan.steps_per_epoch * plan.crops_per_step,
        start=steps_done * plan.crops_per_step,
    )
    number = settings.data.workers
    warnings.filterwarnings("ignore", "This DataLoader will create", module="torch.utils.data")
    loader = DataLoader(
        crops,
        settings.optimisation.batch,
        sampler=DistributedSampler(crops, fabric.world_size, fabric.global_rank, shuffle=False),
        num_workers=number,
        collate_fn=_stacked,
        worker_init_fn=_start_worker,
        prefetch_factor=4 if number else None,
        generator=torch.Generator(),  # else it takes a number from torch's own, and a resumed run one more
    )
    for images, labels in workers.start(loader):
        yield _on_device(fabric, images), _on_device(fabric, labels)


def _stacked(crops: list[Item]) -> Batch:
    """Return arrays: they are pickled, tensors would go through shared memory."""
    images, labels = zip(*crops, strict=True)
    return np.stack([image.numpy() for image in images]), np.stack([label.numpy() for label in labels])


def _on_device(fabric: Fabric, array: np.ndarray) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    if fabric.device.type == "cuda":
        return tensor.pin_memory().to(fabric.device, non_blocking=True)
    return tensor


def _start_worker(worker: int) -> None:
    leave_signals_to_parent()
    end_with_parent()
    cv2.setNumThreads(0)  # the processors belong to the network
