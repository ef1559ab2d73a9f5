"""One call of the training program: from its arguments to a finished or interrupted run."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from infer.settings import UsageError
from train_offline import checkpoint
from train_offline.checkpoint import Checkpoint
from train_offline.settings import TrainSettings, check, from_json, parse
from train_offline.training import Training

CHECKPOINT = "last.pt"


def train(argv: list[str] | None) -> int:
    """Exit code: 0 at the end of the schedule, 128 + N after signal N; raises UsageError."""
    settings, saved = _settings_and_state(parse(argv))
    training = Training(settings, saved, settings.run / CHECKPOINT)
    stopped_by = training.run()
    if stopped_by is None:
        return 0
    name = signal.Signals(stopped_by).name
    print(
        f"train: {name}: saved at step {training.step}; go on with --run {settings.run} --resume",
        file=sys.stderr,
    )
    return 128 + stopped_by


def _settings_and_state(given: dict) -> tuple[TrainSettings, Checkpoint | None]:
    """The command line's settings; with --resume the checkpoint's for what the command line leaves out."""
    folder: Path = given["run"]
    path = folder / CHECKPOINT
    if given.get("resume"):
        saved = checkpoint.load(path)
        return check(TrainSettings(**{**from_json(saved.settings), **given})), saved
    if path.exists():
        raise UsageError(f"{path} is there already; add --resume or choose another --run folder")
    settings = check(TrainSettings(**given))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made: {error.strerror}") from error
    return settings, None
