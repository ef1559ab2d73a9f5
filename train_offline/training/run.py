"""One call of the training program: from the options given to a finished or interrupted run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from infer.errors import FileError, UsageError
from infer.predict.out_of_memory import is_out_of_memory
from train_offline.models.names import check_names
from train_offline.runtime.files import only_user, writable_folder
from train_offline.training import checkpoint
from train_offline.training.checkpoint import LAST, Checkpoint
from train_offline.training.config.presets import with_preset
from train_offline.training.config.settings import TrainSettings, check, from_json
from train_offline.training.loader import Workers
from train_offline.training.loop import Training
from train_offline.training.state.warm_start import require_usable

LOST_PROCESS = ("Connection closed by peer", "Connection reset by peer", "NCCL communicator was aborted")
# What no checkpoint can go on with anew.
FIRST = ("preset", "fold", "optimiser", "init", "encoder_weights", "arch", "encoder")


@dataclass(frozen=True)
class Stopped:
    """How a signal has ended a run: after how many batches, and where they are saved."""

    signal: int
    step: int
    folder: Path


@dataclass(frozen=True)
class NothingLeft:
    """A run that was resumed at its end: after how many batches that is."""

    step: int
    folder: Path


def train(given: Mapping[str, Any]) -> Stopped | NothingLeft | None:
    """Train with the options that the command line gives, by key; raises UsageError.

    Returns None at the end of the schedule.
    """
    folder = given["run"]
    with ExitStack() as stack:
        alone = _is_first() and os.path.isdir(folder)  # first of all, for what it holds may be changing
        if alone:
            stack.enter_context(only_user(folder, "run"))
        settings, saved = _settings_and_state(given)
        writable_folder(folder, "run")  # before any scene is read
        if _is_first() and not alone:
            stack.enter_context(only_user(folder, "run"))
        check_names(settings.network.arch, settings.network.encoder_name)
        if settings.run.init and not saved:
            require_usable(settings.run.init, settings.network)
        return _run(settings, saved)


def _run(settings: TrainSettings, saved: Checkpoint | None) -> Stopped | NothingLeft | None:
    workers, folder = Workers(), settings.run.folder
    try:
        training = Training(settings, saved, workers)
        begun = training.step
        number = training.run()
    except OSError as error:  # a disk that has become full or has gone
        where = Path(error.filename or folder)
        raise FileError(where, f"{error.strerror or error}; the last checkpoint is kept") from error
    except (RuntimeError, UsageError) as error:
        explained = workers.lost() or _explained(error)
        if explained is None:
            raise
        raise explained from error
    if number is not None:
        return Stopped(number, training.step, folder)
    return NothingLeft(training.step, folder) if saved and training.step == begun else None


def _is_first() -> bool:
    """Tell whether this process is the one of its run that writes."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK"))


def _explained(error: RuntimeError | UsageError) -> UsageError | None:
    """Return the error for what the machine, not a mistake of ours, has brought about."""
    if isinstance(error, UsageError):
        return None
    if is_out_of_memory(error):
        return UsageError("no memory left", "; lower {batch} or {crop}")
    if any(sign in str(error) for sign in LOST_PROCESS):  # of torch, which has no type for it
        return UsageError("another process of this run has ended; what it said tells why")
    return None


def _settings_and_state(given: Mapping[str, Any]) -> tuple[TrainSettings, Checkpoint | None]:
    """Return the given options above a preset's or, with `resume`, above the checkpoint's, and that."""
    path = given["run"] / LAST
    if given.get("resume"):
        saved = checkpoint.load(path)
        before = from_json(saved.settings)
        _require_same_beginning(path, given, before)
        return _absolute(check(TrainSettings.of({**before, **given}))), saved
    if os.path.exists(path):  # unlike Path.exists, False for what may not be looked at
        raise UsageError(f"{path} is there already", "; add {resume} or choose another {run} folder", path)
    return _absolute(check(TrainSettings.of(with_preset(given)))), None


def _require_same_beginning(path: Path, given: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    for key in FIRST:
        asked, had = given.get(key, before.get(key)), before.get(key)
        if key == "arch" and asked and had:  # in any case of letters
            asked, had = asked.lower(), had.lower()
        if (asked.absolute() if isinstance(asked, Path) else asked) != had:
            remedy = f" with {{{key}}} {asked}; leave it out, or begin a new run in another {{run}} folder"
            raise UsageError(f"{path} was not begun", remedy, path)


def _absolute(settings: TrainSettings) -> TrainSettings:
    """Name the same folders from wherever the run is resumed; raises FileError for a missing one."""
    data = settings.data
    for folder in (*(folder for folder, _ in data.train), *data.val):
        if not os.path.isdir(folder):
            hint = " (the checkpoint names it; if it has moved, give {data} and {val} anew)"
            reason = "no such folder, or one that may not be read"
            setting = "val" if folder in data.val else "data"
            remedy = hint if settings.run.resume else ""
            raise FileError(folder, reason, remedy, kind="missing", setting=setting)
    train = tuple((folder.absolute(), weight) for folder, weight in data.train)
    return replace(settings, data=replace(data, train=train, val=tuple(f.absolute() for f in data.val)))
