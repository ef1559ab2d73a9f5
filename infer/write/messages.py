"""What the user is told in the course of a run, on stderr and in the report."""

from __future__ import annotations

import threading
from collections.abc import Callable

from infer.process.journal import Redone
from infer.process.progress import Progress

MAX_LINES = 20  # about single scenes; whoever has thousands of broken ones reads no more


class Told:
    """Passes lines on to the progress, and what did not go at once to the report too.

    at_hand: names of the scenes that are being predicted.
    """

    def __init__(
        self, progress: Progress, redone: Callable[[Redone], None], all_named: str = "--report names them all"
    ) -> None:
        """redone: is told of what did not go at once. all_named: where the user finds the rest."""
        self.progress = progress
        self._all_named = all_named
        self.at_hand: tuple[str, ...] = ()
        self._redone = redone
        self._noted: set[str] = set()
        self._lock = threading.Lock()
        self._degraded = 0

    def degraded(self, line: str) -> None:
        """Say that a scene gets no mask of its own."""
        self._degraded += 1
        if self._degraded <= MAX_LINES:
            self.progress.say(line)
        self.progress.update(1, degraded=1)

    def say_how_many_more(self) -> None:
        """Say at the end how many such lines were left out."""
        if self._degraded > MAX_LINES:
            more = self._degraded - MAX_LINES
            self.progress.say(f"infer: and {more} more degraded scenes; {self._all_named}")

    def redone(self, stage: str, line: str) -> None:
        """Say that something did not go at once and is being done in another way."""
        self.progress.say(line)
        scenes = self.at_hand if stage == "predict" else ()
        self._redone(Redone(stage, scenes, line.removeprefix("infer: ")))

    def notes(self, scene: str, notes: tuple[str, ...]) -> None:
        """Say each kind of note once: a job has hundreds of such scenes, or none. The report has them all."""
        for note in notes:
            with self._lock:  # writing threads have notes, too
                is_new = note not in self._noted
                self._noted.add(note)
            if is_new:
                self.progress.say(f"infer: {scene}: {note}; --report names all such scenes")
