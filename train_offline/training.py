"""The training loop: epochs of crops, validation on whole scenes, checkpoints, until the end or a signal."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import torch
from torch.utils.data import DataLoader

from infer.settings import UsageError
from train_offline import checkpoint
from train_offline.checkpoint import Checkpoint
from train_offline.dataset import Crops, CropSettings, Source, load_source
from train_offline.evaluate import Score, confusion_of, score
from train_offline.interrupt import Interrupt, leave_signals_to_parent
from train_offline.run_log import Progress, append_row, write_json
from train_offline.schedule import Clock, End, learning_rate
from train_offline.settings import TrainSettings
from train_offline.trainer import Trainer, make_fabric, require_finite

CHECK_STEPS = 10  # reading the loss makes a GPU wait for the CPU, so not after every step


class Training:
    """One run: `step` batches done so far, and everything that the next one needs."""

    def __init__(self, settings: TrainSettings, saved: Checkpoint | None, path: Path) -> None:
        """Reads all scenes first; raises UsageError for whatever makes a run impossible, before it starts."""
        self._settings, self._path = settings, path
        self._sources = [load_source(folder, weight, "train.csv") for folder, weight in settings.data]
        self._val = [load_source(folder, 1.0, "val.csv") for folder in settings.val]
        self._fabric = make_fabric(settings)
        self._trainer = Trainer(self._fabric, settings)
        self._crops_per_step = settings.batch * self._fabric.world_size
        self._steps_per_epoch = math.ceil(_epoch_crops(settings, self._sources) / self._crops_per_step)
        steps = [settings.steps, settings.epochs and settings.epochs * self._steps_per_epoch]
        seconds = settings.time_limit and settings.time_limit * 60
        self._end = End(min((n for n in steps if n), default=None), seconds)
        self.step = 0
        self._scores: dict[str, float] = {}
        if saved is not None:
            self.step, self._scores = saved.step, saved.scores
            self._trainer.restore(saved)
        elif settings.init is not None:
            self._trainer.start_from(checkpoint.load(settings.init).ema, settings.init)
        self._clock = Clock(saved.seconds if saved else 0.0)
        self._saved_at = time.monotonic()

    def run(self) -> int | None:
        """Train to the end; returns the number of the signal that stopped the run early, else None."""
        if self._fabric.is_global_zero:
            write_json(self._path.with_name("settings.json"), self._settings.to_json())
        self._progress = Progress(self._share_passed(), self._fabric.is_global_zero)
        with Interrupt() as interrupt:
            try:
                self._progress.line(self._describe())
                ended = self._share_passed() >= 1
                while not ended and interrupt.signal is None:
                    ended = self._epoch(interrupt)
                self._save()
            finally:
                self._progress.close()
        return interrupt.signal

    def _epoch(self, interrupt: Interrupt) -> bool:
        """Train what is left of the epoch, score, log; True at the end of the run."""
        epoch, steps_done = divmod(self.step, self._steps_per_epoch)
        started, first_step, recent, losses = time.monotonic(), self.step, [], []
        ended = stopped = False
        for images, labels in self._loader(epoch, steps_done):
            share, stopped = self._fabric.broadcast((self._share_passed(), interrupt.signal is not None))
            ended = share >= 1
            if ended or stopped:
                break
            rate = learning_rate(share, self._settings.lr, self._settings.warm_up)
            recent.append(self._trainer.step(images, labels, rate))
            self.step += 1
            if len(recent) == CHECK_STEPS:
                losses.append(self._read(recent))
                speed = (self.step - first_step) * self._crops_per_step / (time.monotonic() - started)
                self._progress.update(share, loss=f"{losses[-1]:.3f}", step=self.step, crops=f"{speed:.1f}/s")
                self._save_if_due()
        if recent:
            losses.append(self._read(recent))
        ended = ended or self._share_passed() >= 1
        if self.step > first_step and not stopped:
            speed = (self.step - first_step) * self._crops_per_step / (time.monotonic() - started)
            self._report(epoch, sum(losses) / len(losses), speed, ended)
        return ended

    def _share_passed(self) -> float:
        return self._end.share_passed(self.step, self._clock.seconds())

    def _read(self, recent: list[torch.Tensor]) -> float:
        """Mean loss of the latest steps, which are then forgotten; UsageError where it is not finite."""
        loss = float(torch.stack(recent).mean())
        recent.clear()
        require_finite(loss, self.step)
        return loss

    def _loader(self, epoch: int, steps_done: int) -> Iterable:
        crops = Crops(
            self._sources,
            CropSettings(
                self._settings.crop, augmentation=self._settings.augment, recolour=self._settings.recolour
            ),
            self._settings.seed,
            epoch,
            count=self._steps_per_epoch * self._crops_per_step,
            start=steps_done * self._crops_per_step,
        )
        workers = self._settings.workers
        loader = DataLoader(
            crops,
            self._settings.batch,
            num_workers=workers,
            worker_init_fn=_start_worker,
            pin_memory=self._fabric.device.type == "cuda",
            prefetch_factor=4 if workers else None,
        )
        return self._fabric.setup_dataloaders(loader)

    def _report(self, epoch: int, loss: float, speed: float, ended: bool) -> None:
        """Score the averaged weights where that is due; a row of history, a line, a checkpoint."""
        scores = []
        if self._val and (ended or (epoch + 1) % self._settings.val_every == 0):
            scores = self._validate()
            self._scores = {
                f"{s.source}/{name}": value for s in scores for name, value in s.figures().items()
            }
        figures = {"epoch": epoch + 1, "step": self.step, "seconds": round(self._clock.seconds(), 1)}
        figures |= {"loss": round(loss, 5), "crops_per_second": round(speed, 2)}
        if self._fabric.is_global_zero:
            row_scores = {name: round(value, 5) for name, value in self._scores.items()} if scores else {}
            append_row(self._path.with_name("history.csv"), {**figures, **row_scores})
        self._progress.line(
            f"epoch {epoch + 1}, step {self.step}, {self._clock.seconds() / 60:.1f} min, loss {loss:.4f}, "
            f"{speed:.1f} crops/s" + "".join(f" | {s}" for s in scores)
        )
        self._save()

    def _validate(self) -> list[Score]:
        """Whole scenes, shared among the processes, with the averaged weights."""
        network, fabric = self._trainer.average.module, self._fabric
        scores = []
        for source in self._val:
            mine = source.scenes[fabric.global_rank :: fabric.world_size]
            total = torch.from_numpy(confusion_of(network, mine, fabric.device, self._trainer.bf16))
            total = fabric.all_reduce(total.to(fabric.device), reduce_op="sum")
            scores.append(score(source.name, total.cpu().numpy()))
        return scores

    def _save_if_due(self) -> None:
        if time.monotonic() - self._saved_at > 60 * self._settings.save_every:
            self._save()

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        if not self._fabric.is_global_zero:
            return
        state = self._trainer.state(self._settings, self.step, self._clock.seconds(), self._scores)
        try:
            checkpoint.save(state, self._path)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
            raise UsageError(f"{self._path}: cannot be written: {str(error).splitlines()[0]}") from error

    def _describe(self) -> str:
        scenes = ", ".join(f"{s.name} {len(s.scenes)} scenes x {s.weight:g}" for s in self._sources)
        precision = "bf16" if self._trainer.bf16 else "fp32"
        return (
            f"train: {scenes}; {self._steps_per_epoch} steps of {self._crops_per_step} crops per epoch; "
            f"{self._fabric.world_size} x {self._fabric.device.type}, {precision}; from step {self.step}"
        )


def _epoch_crops(settings: TrainSettings, sources: list[Source]) -> int:
    pixels = sum(scene.label.size for source in sources for scene in source.scenes)
    return settings.epoch_crops or math.ceil(pixels / settings.crop**2)


def _start_worker(worker: int) -> None:
    leave_signals_to_parent()
    cv2.setNumThreads(0)  # the processors belong to the network
