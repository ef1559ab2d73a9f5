"""The groups of options that are the training's own; crops, network and losses bring theirs."""

# ruff: noqa: RUF009 - option() and group() return fields of a dataclass

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from train_offline.runtime.arguments import AMOUNT, COUNT, FRACTION, POSITIVE, path, whole_number
from train_offline.runtime.options import NO_DEFAULT, option
from train_offline.training.config.presets import DEFAULT_PRESET, PRESETS
from train_offline.training.optimisation.schedule import SCHEDULES

OPTIMISERS = ("adam", "adamw")
MAX_SEED = 2**32 - 1  # that numpy's old generator takes


def weighted_folder(text: str) -> tuple[Path, float]:
    """Read `DIR` or `DIR:WEIGHT`."""
    folder, colon, weight = text.rpartition(":")
    if not colon or os.path.isdir(text):
        return path(text), 1.0
    return path(folder), POSITIVE(weight)


def _loaded_folder(plain: tuple[str, float]) -> tuple[Path, float]:
    folder, weight = plain
    return Path(folder), weight


@dataclass(frozen=True)
class RunSettings:
    """Where a run lives and what it begins with."""

    folder: Path = option(
        NO_DEFAULT,
        "folder for checkpoints, history, curves; torchrun takes --run for its own --run-path, so there "
        "say --run-folder",
        key="run",
        flags=("--run", "--run-folder"),
        type=Path,
        metavar="DIR",
    )
    # only a name: the other options say what it means; None: not known
    preset: str | None = option(
        None, f"the recipe ({DEFAULT_PRESET}); other flags change it", choices=tuple(PRESETS)
    )
    resume: bool = option(False, "go on from RUN/last.pt, with its settings unless given anew")
    init: Path | None = option(
        None,
        "start from the averaged weights of a checkpoint, or from a weights file of infer",
        type=Path,
        metavar="FILE",
    )
    seed: int = option(0, "of crops and first weights", type=whole_number(0, MAX_SEED), metavar="N")


@dataclass(frozen=True)
class DataSettings:
    """What is read: folders to train on with their weights, folders to score."""

    train: tuple[tuple[Path, float], ...] = option(
        (),
        "scenes to train on (those of DIR/train.csv where there is one); repeat for several folders, "
        "crops are drawn from each in proportion to its weight (1)",
        key="data",
        type=weighted_folder,
        load=_loaded_folder,
        metavar="DIR[:WEIGHT]",
    )
    val: tuple[Path, ...] = option(
        (),
        "scenes to score (those of DIR/val.csv where there is one); may be repeated",
        type=Path,
        metavar="DIR",
    )
    fold: int | None = option(
        None,
        "the lists are DIR/train-K.csv and DIR/val-K.csv, which split --folds writes",
        type=whole_number(),
        metavar="K",
    )
    cache: Path | None = option(
        None, "where decoded scenes are kept (the user's cache folder)", type=Path, metavar="DIR"
    )
    workers: int = option(1, "processes that draw crops", type=whole_number(), metavar="N")


@dataclass(frozen=True)
class EndSettings:
    """When the run ends, by whichever comes first; the learning rate follows the share that has passed."""

    epochs: int | None = option(None, "end after N epochs", type=COUNT, metavar="N")
    steps: int | None = option(None, "end after N batches", type=COUNT, metavar="N")
    # minutes of training, validation included
    time_limit: float | None = option(
        None, "end after so long; the schedule is fitted to it", type=POSITIVE, metavar="MINUTES"
    )
    epoch_crops: int | None = option(
        None, "crops in an epoch (as many as cover all scenes once)", type=COUNT, metavar="N"
    )
    patience: int | None = option(
        None, "end after N validations without a better IoU of ice", type=COUNT, metavar="N"
    )


@dataclass(frozen=True)
class OptimisationSettings:
    """How the weights follow the gradient."""

    batch: int = option(8, "crops in a batch, of each device", type=COUNT, metavar="N", section="crops")
    optimiser: str = option("adamw", choices=OPTIMISERS)
    lr: float = option(1e-3, "highest learning rate", type=POSITIVE, metavar="F")
    weight_decay: float = option(0.01, "of the convolutions' weights", type=FRACTION, metavar="F")
    schedule: str = option("cosine", "how the learning rate falls", choices=SCHEDULES)
    warm_up: float = option(0.05, "share of the run with rising rate", type=FRACTION, metavar="F")
    clip: float = option(1.0, "largest norm of the gradient, 0 = any", type=AMOUNT, metavar="F")
    # averages the last few hundred steps
    ema: float = option(0.998, "decay of the averaged weights, 0 = none", type=FRACTION, metavar="F")


@dataclass(frozen=True)
class MachineSettings:
    """What computes."""

    precision: str = option(
        "auto", "auto is bf16 where the processor is fast at it", choices=("auto", "bf16", "fp32")
    )
    device: str = option("auto", choices=("auto", "cpu", "cuda"))
    devices: int = option(1, "how many; torchrun says it itself", type=COUNT, metavar="N")


@dataclass(frozen=True)
class ReportSettings:
    """What is written, and how often."""

    save_every: float = option(5.0, "between checkpoints within an epoch", type=POSITIVE, metavar="MINUTES")
    val_every: int = option(1, "epochs between validations", type=COUNT, metavar="N")
    tensorboard: bool = option(True, "leave out RUN/tensorboard")
