"""The training loop: epochs of crops, validation, checkpoints, until the end or a signal."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from typing import Any

import torch

from train_offline.runtime.devices import make_fabric
from train_offline.runtime.signals import Interrupt
from train_offline.scoring.score import Score
from train_offline.training.checkpoint import BEST, LAST, Checkpoint
from train_offline.training.config.settings import TrainSettings
from train_offline.training.inputs import read_data
from train_offline.training.loader import Workers, batches, plan, require_same_epochs, same_end
from train_offline.training.log.figures import beside_the_bar, line_of, row_of
from train_offline.training.log.reports import Pictures, Reports
from train_offline.training.log.run_log import TrainingProgress
from train_offline.training.optimisation.schedule import Clock, learning_rate
from train_offline.training.state.saving import Saver
from train_offline.training.state.warm_start import start_from_file
from train_offline.training.step import Trainer
from train_offline.training.validation import Best, Validation, means_of

CHECK_STEPS = 10  # reading the loss makes a GPU wait for the CPU, so not after every step


class Training:
    """One run: `step` batches done so far, and everything that the next one needs."""

    def __init__(self, settings: TrainSettings, saved: Checkpoint | None, workers: Workers) -> None:
        """Read all scenes first; raises UsageError for whatever makes a run impossible, before it starts.

        workers: keeps the processes that draw crops.
        """
        self._settings, self._workers = settings, workers
        self._data = read_data(settings, saved)
        fresh = saved is None and settings.run.init is None
        machine = settings.machine
        self._fabric = make_fabric(
            device=machine.device,
            precision=machine.precision,
            devices=machine.devices,
            seed=settings.run.seed,
        )
        self._val = Validation(self._fabric, self._data.val)
        self.trainer = Trainer(self._fabric, settings, hub_weights=fresh)
        self._plan = plan(settings, self._data.train, self._fabric.world_size)
        self.step, self._best = 0, Best(self._val.by)
        self._scores: dict[str, float] = {}
        self._losses = (0.0, 0)  # sum and number, of the epoch that is not over
        self._due: dict[str, Any] = {}  # the row of history of an epoch that is over but not scored
        self._same_end = saved is None or same_end(settings, saved)
        if saved is not None:
            require_same_epochs(self._plan, saved)
            self.step, self._scores = saved.step, saved.scores
            self._best = Best.restored(saved.best, self._val.by)
            self._losses, self._due = saved.epoch_loss, saved.due
            self.trainer.restore(saved)
        elif settings.run.init is not None:
            start_from_file(self.trainer, settings.run.init, settings, self._data.train)
        self._clock = Clock(saved.seconds if saved else 0.0)
        self._saver = Saver(self._fabric, settings.run.folder, settings.reports.save_every)

    def run(self) -> int | None:
        """Train to the end; returns the number of the signal that stopped the run early, else None."""
        shown = self._fabric.is_global_zero
        self._progress = TrainingProgress(self._share_passed(), shown)
        done = self.step - bool(self._due)  # a kill may have come between the due row and its checkpoint
        run, tensorboard = self._settings.run.folder, self._settings.reports.tensorboard
        self._reports = Reports(run, done, tensorboard) if shown else None
        with Interrupt() as interrupt:
            try:
                if self._reports:
                    self._reports.start(self._settings.to_json(), self._data.facts)
                for line in (*self._data.notes, *self._val.notes, *self._of_new_end(), self._describe()):
                    self._progress.line(f"train: {line}")
                if self._due:
                    self._finish_epoch(self._due)
                stopped = False
                while not stopped and not self._over():
                    stopped = self._epoch(interrupt)
                if not stopped and self._losses[1]:
                    self._finish_stopped_epoch(interrupt)
                self.trainer.agree()
                self._save(LAST)
            finally:
                self._progress.close()
                with suppress(OSError):  # a disk that is full has been complained of, and this is a picture
                    if self._reports:
                        self._reports.close()
        return interrupt.signal

    def _epoch(self, interrupt: Interrupt) -> bool:
        """Train what is left of the epoch; score, log and save it unless a signal came first: then True."""
        epoch, steps_done = divmod(self.step, self._plan.steps_per_epoch)
        started, first_step, stopped = time.monotonic(), self.step, False
        recent: list[torch.Tensor] = []
        how = self._settings.optimisation
        of_epoch = self._settings, self._data.train, self._plan, epoch, steps_done
        for images, labels in batches(self._fabric, *of_epoch, self._workers):
            share, stopped = self._fabric.broadcast((self._share_passed(), interrupt.signal is not None))
            if share >= 1 or stopped:
                break
            rate = learning_rate(share, how.lr, how.warm_up, how.schedule)
            recent.append(self.trainer.step(images, labels, rate))
            self.step += 1
            if len(recent) == CHECK_STEPS:
                loss = self._read(recent)
                speed = self._speed(first_step, started)
                self._progress.update(share, **beside_the_bar(loss, self.step, speed, self._scores))
                if self._saver.is_due(within_epoch=self.step % self._plan.steps_per_epoch != 0):
                    self._save(LAST)
        if recent:
            self._read(recent)
        if self.step > first_step and not stopped:
            row = self._row(epoch, rate, self._speed(first_step, started))
            stopped = self._end_epoch(row, interrupt)
        return stopped

    def _finish_stopped_epoch(self, interrupt: Interrupt) -> None:
        """End the epoch of a run that was stopped at its end, or is resumed with an earlier one."""
        epoch = (self.step - 1) // self._plan.steps_per_epoch
        rate = self.trainer.optimiser.param_groups[0]["lr"]  # of the last step, restored with its state
        self._end_epoch(self._row(epoch, rate, self._mean_speed()), interrupt)

    def _end_epoch(self, row: dict[str, Any], interrupt: Interrupt) -> bool:
        """Score, log and save; True where a signal came before that."""
        due = self._over() or row["epoch"] % self._settings.reports.val_every == 0
        if self._val and due and self._saved_for_scores(row, interrupt):
            return True
        self._finish_epoch(row)
        return False

    def _row(self, epoch: int, rate: float, speed: float) -> dict[str, Any]:
        """Return what history says of an epoch before it is scored; the count of its losses begins anew."""
        losses, self._losses = self._losses, (0.0, 0)
        return row_of(epoch, self.step, self._clock.seconds(), losses, rate, speed)

    def _saved_for_scores(self, row: dict[str, Any], interrupt: Interrupt) -> bool:
        """Save first: scoring can outlast the patience of whoever ends a process. True: a signal has come.

        A run that ends before the scores are saved makes up for them when it is resumed.
        """
        self.trainer.agree()
        self._due = row
        self._save(LAST)
        return bool(self._fabric.broadcast(interrupt.signal is not None))

    def _finish_epoch(self, row: dict[str, Any]) -> None:
        """Score the averaged weights where that is due; a row of history, a line, checkpoints."""
        scores: list[Score] = []
        pictures: Pictures = []
        if self._due and self._val:
            scores = self._validate(row["loss"])
            figures = means_of(scores) | self._scores
            row = row | {name: round(value, 5) for name, value in figures.items()}
        if self._reports:
            if scores and self._settings.reports.tensorboard:
                pictures = self._val.pictures(self.trainer.average.module, self.trainer.bf16)
            self._reports.epoch(row, bool(scores), pictures)
        self._progress.line(line_of(row, self.step, scores))
        self._due = {}
        if scores and self._best.step == self.step:
            self._save(BEST)
        self._save(LAST)

    def _validate(self, loss: float) -> list[Score]:
        scores = self._val.scores(self.trainer.average.module, self.trainer.bf16)
        self._scores = {f"{s.source}/{name}": value for s in scores for name, value in s.figures().items()}
        self._best = self._best.after(self._val.value(scores, loss), self.step)
        return scores

    def _share_passed(self) -> float:
        return self._plan.end.share_passed(self.step, self._clock.seconds())

    def _over(self) -> bool:
        """Whether the run has reached its end, or its patience has; the same in all processes."""
        patience = self._settings.end.patience
        over = self._share_passed() >= 1 or (patience is not None and self._best.stale >= patience)
        return bool(self._fabric.broadcast(over))

    def _read(self, recent: list[torch.Tensor]) -> float:
        """Mean loss of the latest steps, which are then forgotten; UsageError where it is not finite."""
        loss = self.trainer.mean_loss(recent)
        self._saver.require(math.isfinite(loss), f"the loss is {loss}", self.step)
        self._losses = (self._losses[0] + loss * len(recent), self._losses[1] + len(recent))
        recent.clear()
        return loss

    def _speed(self, first_step: int, started: float) -> float:
        """Crops per second since `first_step`."""
        return (self.step - first_step) * self._plan.crops_per_step / (time.monotonic() - started)

    def _mean_speed(self) -> float:
        """Crops per second of the whole run."""
        return self.step * self._plan.crops_per_step / max(1e-9, self._clock.seconds())

    def _save(self, name: str) -> None:
        """All processes must call it; UsageError, and the file as it was, where a weight is not finite."""
        self._saver.require(self.trainer.is_finite(), "a weight is not finite", self.step)
        self._saver.save(name, self._state)

    def _state(self) -> Checkpoint:
        return Checkpoint(
            settings=self._settings.to_json(),
            step=self.step,
            seconds=self._clock.seconds(),
            scores=self._scores,
            best=vars(self._best),
            epoch_loss=self._losses,
            facts=self._data.facts,
            crops_per_step=self._plan.crops_per_step,
            steps_per_epoch=self._plan.steps_per_epoch,
            due=self._due,
            **self.trainer.state(),
        )

    def _of_new_end(self) -> list[str]:
        """Say what becomes of the learning rate where a resumed run has another end than before."""
        if self._same_end or self._share_passed() >= 1:
            return []
        how = self._settings.optimisation
        rate = learning_rate(self._share_passed(), how.lr, how.warm_up, how.schedule)
        before = self.trainer.optimiser.param_groups[0]["lr"]
        return [f"another end than before: the learning rate was {before:.2g}, goes on from {rate:.2g}"]

    def _describe(self) -> str:
        precision = "bf16" if self.trainer.bf16 else "fp32"
        plan = self._plan
        return (
            f"{self._data}; {plan.steps_per_epoch} steps of {plan.crops_per_step} crops per epoch; "
            f"{self._fabric.world_size} x {self._fabric.device.type}, {precision}; from step {self.step}"
        )
