"""One call of the training program: from its arguments to a finished or interrupted run."""

from __future__ import annotations

import os
import signal
import tempfile
from dataclasses import replace
from pathlib import Path

from infer.errors import UsageError
from infer.predict.predictor import is_out_of_memory
from train_offline.models.names import check_names
from train_offline.runtime.program import say
from train_offline.training import checkpoint
from train_offline.training.checkpoint import Checkpoint
from train_offline.training.config.arguments import parse
from train_offline.training.config.presets import with_preset
from train_offline.training.config.settings import TrainSettings, check, from_json
from train_offline.training.loop import LAST, Training
from train_offline.training.warm_start import require_readable

LOST_PROCESS = ("Connection closed by peer", "Connection reset by peer", "NCCL communicator was aborted")
FIRST = ("preset", "fold", "optimiser", "init", "encoder_weights")  # what no checkpoint can go on with anew


def train(argv: list[str] | None) -> int:
    """Exit code: 0 at the end of the schedule, 128 + N after signal N; raises UsageError."""
    settings, saved = _settings_and_state(parse(argv))
    _require_writable(settings.run)
    check_names(settings.arch, settings.encoder)
    if settings.init and not saved:
        require_readable(settings.init)
    try:
        training = Training(settings, saved)
        stopped_by = training.run()
    except OSError as error:  # a disk that has become full or has gone
        where = error.filename or settings.run
        raise UsageError(f"{where}: {error.strerror or error}; the last checkpoint is kept") from error
    except RuntimeError as error:
        line = _explained(error)
        if line is None:
            raise
        raise UsageError(line) from error
    if stopped_by is None:
        return 0
    name = signal.Signals(stopped_by).name
    say(f"train: {name}: saved at step {training.step}; go on with --run {settings.run} --resume")
    return 128 + stopped_by


def _explained(error: RuntimeError) -> str | None:
    """A line for what the machine, not a mistake of ours, has brought about."""
    if is_out_of_memory(error):
        return "no memory left; lower --batch or --crop"
    if any(sign in str(error) for sign in LOST_PROCESS):
        return "another process of this run has ended; what it said tells why"
    return None


def _settings_and_state(given: dict) -> tuple[TrainSettings, Checkpoint | None]:
    """The command line's settings; with --resume the checkpoint's for what the command line leaves out."""
    path = given["run"] / LAST
    if given.get("resume"):
        saved = checkpoint.load(path)
        before = from_json(saved.settings)
        for name in FIRST:
            asked, had = given.get(name, before.get(name)), before.get(name)
            if (asked.absolute() if isinstance(asked, Path) else asked) != had:
                flag = f"--{name.replace('_', '-')} {asked}"
                raise UsageError(f"{path} was not begun with {flag}; leave it out, or begin a new run")
        return _absolute(check(TrainSettings(**before | given))), saved
    if os.path.exists(path):  # unlike Path.exists, False for what may not be looked at
        raise UsageError(f"{path} is there already; add --resume or choose another --run folder")
    return _absolute(check(TrainSettings(**with_preset(given)))), None


def _absolute(settings: TrainSettings) -> TrainSettings:
    """The same folders from wherever the run is resumed. A missing one is said here, with its name."""
    for folder in (*(folder for folder, _ in settings.data), *settings.val):
        if not os.path.isdir(folder):
            hint = " (the checkpoint names it; if it has moved, give --data and --val anew)"
            raise UsageError(
                f"{folder}: no such folder, or one that may not be read{hint if settings.resume else ''}"
            )
    return replace(
        settings,
        data=tuple((folder.absolute(), weight) for folder, weight in settings.data),
        val=tuple(folder.absolute() for folder in settings.val),
    )


def _require_writable(folder: Path) -> None:
    """Raises UsageError for a run folder that cannot be made or takes no file: before any scene is read."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made: {error.strerror}") from error
    try:
        handle, name = tempfile.mkstemp(dir=folder)
        os.close(handle)
        os.unlink(name)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from error
