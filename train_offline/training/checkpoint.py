"""The state of a training run in one file, written whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from infer.errors import UsageError

FORMAT = "seaice-train/1"


@dataclass(frozen=True)
class Checkpoint:
    """settings: TrainSettings.to_json. model, ema: state dicts of the network and of its running average.

    step counts batches, seconds the training time so far (of all sittings); scores maps "source/score" to the
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
    """Write under a temporary name, then rename; raises UsageError and leaves the file before as it was."""
    partial = path.with_name(f".{path.name}.part")
    try:
        torch.save({"format": FORMAT, **vars(checkpoint)}, partial)
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else "is the disk full?"
        raise UsageError(f"{path}: cannot be written: {reason}") from error


def load(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU; only tensors and plain values are unpickled.

    Raises UsageError: no such file, not a checkpoint of this program, or a damaged one.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{path}: no such checkpoint") from error
    except Exception as error:  # of a dozen kinds, by what the file's first bytes look like
        raise UsageError(f"{path}: not a readable checkpoint ({type(error).__name__})") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise UsageError(f"{path}: not a checkpoint of train_offline.commands.train ({FORMAT})")
    try:
        return Checkpoint(**content)
    except TypeError as error:
        raise UsageError(
            f"{path}: written by another version of train_offline.commands.train: {error}"
        ) from error
