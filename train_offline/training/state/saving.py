"""When a run saves its checkpoint, and that all its processes end alike where that cannot be done."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from lightning_fabric import Fabric

from infer.errors import UsageError
from train_offline.training import checkpoint
from train_offline.training.checkpoint import LAST, Checkpoint


class Saver:
    """Writes the checkpoints of a run; all processes must call its methods."""

    def __init__(self, fabric: Fabric, folder: Path, minutes: float) -> None:
        """`minutes`: between two checkpoints within an epoch."""
        self._fabric, self._folder, self._every = fabric, folder, 60 * minutes
        self._saved_at = time.monotonic()

    def is_due(self, within_epoch: bool) -> bool:
        """Tell, alike in all processes, whether it is time for one.

        At the end of an epoch the scores come first, which a run resumed after them would skip.
        """
        due = within_epoch and time.monotonic() - self._saved_at > self._every
        return bool(self._fabric.broadcast(due))

    def save(self, name: str, state: Callable[[], Checkpoint]) -> None:
        """Write the state into the run folder; raises UsageError, and leaves the file as it was."""
        if name == LAST:
            self._saved_at = time.monotonic()
        problem = None
        if self._fabric.is_global_zero:
            try:
                checkpoint.save(state(), self._folder / name)
            except UsageError as error:
                problem = str(error)
        problem = self._fabric.broadcast(problem)  # else the others wait for a process that has gone
        if problem:
            raise UsageError(problem)

    def require(self, finite: bool, what: str, step: int) -> None:
        """Raise UsageError, in all processes alike, where nothing more can be learned."""
        if finite:
            return
        last = self._folder / LAST
        if last.exists():
            raise UsageError(f"{what} by step {step}; {last} is kept", ": resume with a lower {lr}")
        raise UsageError(f"{what} by step {step}; nothing was saved", ": begin again with a lower {lr}")
