"""The state of a training run in one file, written whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from infer.errors import FileError
from train_offline.runtime.files import whole_file

FORMAT = "seaice-train/1"
LAST, BEST = "last.pt", "best.pt"  # of a run folder


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run.

    settings: TrainSettings.to_json. model, ema: state dicts of the network and of its running average. step
    counts batches, seconds the training time so far (of all sittings); scores maps "source/score" to the
    last validation of the averaged weights. The rest has defaults for checkpoints of earlier versions: best
    (validation.Best), epoch_loss (sum and number of the losses of an epoch that is not over), cuda_rng (the
    generator of each GPU), facts (provenance.facts_of: data, commit, versions), crops_per_step and
    steps_per_epoch (loader.Plan; 0: unknown), due (the row of history of an epoch still to be scored).
    """

    settings: dict[str, Any]
    model: dict[str, torch.Tensor]
    ema: dict[str, torch.Tensor]
    ema_updates: int
    optimiser: dict[str, Any]
    rng: torch.Tensor
    step: int
    seconds: float
    scores: dict[str, float]
    best: dict[str, Any] = field(default_factory=dict)
    epoch_loss: tuple[float, int] = (0.0, 0)
    cuda_rng: list[torch.Tensor] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    crops_per_step: int = 0
    steps_per_epoch: int = 0
    due: dict[str, Any] = field(default_factory=dict)


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write the file whole; raises FileError and leaves the file before as it was."""
    try:
        with whole_file(path) as draft:
            torch.save({"format": FORMAT, **vars(checkpoint)}, draft)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        reason = error.strerror if isinstance(error, OSError) else "is the disk full?"
        raise FileError(path, f"cannot be written: {reason}", kind="unwritable") from error


def load(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU; only tensors and plain values are unpickled.

    Raises FileError: no such file ("missing"), a damaged one or none of this program ("unreadable").
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileError(path, "no such checkpoint", kind="missing") from error
    except IsADirectoryError as error:
        reason, remedy = "is a folder, no checkpoint", "; name a file, as a run's best.pt is"
        raise FileError(path, reason, remedy, kind="unreadable") from error
    except Exception as error:  # of a dozen kinds, by what the file's first bytes look like
        reason = f"not a readable checkpoint ({type(error).__name__})"
        raise FileError(path, reason, kind="unreadable") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        reason = f"not a checkpoint of train_offline.commands.train ({FORMAT})"
        raise FileError(path, reason, kind="unreadable")
    try:
        return Checkpoint(**content)
    except TypeError as error:
        reason = f"written by another version of train_offline.commands.train: {error}"
        raise FileError(path, reason, kind="unreadable") from error
