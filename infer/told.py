"""What the user is told in the course of a run, on stderr and in the report."""

from __future__ import annotations

from infer.progress import Progress
from infer.report import Redone, Report


class Told:
    """at_hand: names of the scenes that are being predicted."""

    def __init__(self, progress: Progress, report: Report) -> None:
        self.progress = progress
        self.at_hand: tuple[str, ...] = ()
        self._report = report
        self._noted: set[str] = set()

    def redone(self, stage: str, line: str) -> None:
        """Something did not go at once and is being done in another way."""
        self.progress.say(line)
        scenes = self.at_hand if stage == "predict" else ()
        self._report.redone.append(Redone(stage, scenes, line.removeprefix("infer: ")))

    def notes(self, scene: str, notes: tuple[str, ...]) -> None:
        """Each kind of note once: a job has hundreds of such scenes, or none. The report has them all."""
        for note in notes:
            if note not in self._noted:
                self._noted.add(note)
                self.progress.say(f"infer: {scene}: {note}; --report names all such scenes")
