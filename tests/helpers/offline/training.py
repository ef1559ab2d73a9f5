"""Small trainings in this process: the call, what it leaves, and signals that come at a chosen moment."""

from __future__ import annotations

import csv
import os
import signal
from pathlib import Path

import pytest
import torch

from train_offline.commands.train import main
from train_offline.training import checkpoint
from train_offline.training.config.arguments import parse
from train_offline.training.config.presets import with_preset
from train_offline.training.config.settings import TrainSettings
from train_offline.training.step import Trainer

TINY = "--preset modern --crop 32 --batch 2 --epoch-crops 8 --workers 0 --precision fp32 --device cpu"


def settings_of(*argv: str) -> TrainSettings:
    """The settings of a command line."""
    return TrainSettings.of(with_preset(parse(["--run", "r", *argv])))


def train(folders: Path, run: str, *more: object) -> int:
    """Train on `data`, score `held out`, in epochs of four steps; returns the exit code."""
    given = ["--data", folders / "data", "--val", folders / "held out", "--run", folders / run]
    return main([*map(str, given), *TINY.split(), *map(str, more)])


def resume(run: Path, *more: object) -> int:
    return main(["--run", str(run), "--resume", *map(str, more)])


def arguments(data: Path, run: Path, *more: object) -> list[str]:
    """A command line without scenes to score."""
    preset = "--preset modern --ice-crops 0 --no-tensorboard"
    crops = "--crop 32 --batch 2 --epoch-crops 8 --augment geometry --workers 0"
    usual = f"{preset} {crops} --precision fp32 --device cpu".split()
    return ["--data", str(data), "--run", str(run), *usual, *map(str, more)]


def history(run: Path) -> list[dict[str, str]]:
    with (run / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def same_weights(first: Path, second: Path) -> bool:
    a, b = checkpoint.load(first / "last.pt"), checkpoint.load(second / "last.pt")
    assert a.step == b.step
    return all(torch.equal(x, y) for x, y in zip(a.ema.values(), b.ema.values(), strict=True)) and all(
        torch.equal(x, y) for x, y in zip(a.model.values(), b.model.values(), strict=True)
    )


def assert_same_end(whole: Path, cut: Path) -> None:
    """The same checkpoints bit for bit, and the same history but for the clock."""
    for name in ("last.pt", "best.pt"):
        a, b = checkpoint.load(whole / name), checkpoint.load(cut / name)
        assert (a.step, a.scores, a.best, a.due) == (b.step, b.scores, b.best, b.due)
        assert all(torch.equal(a.model[key], b.model[key]) for key in a.model)
        assert all(torch.equal(a.ema[key], b.ema[key]) for key in a.ema)
    clock = ("seconds", "crops_per_second")
    rows = [[{k: v for k, v in row.items() if k not in clock} for row in history(r)] for r in (whole, cut)]
    assert rows[0] == rows[1]


def stop_in(step: int, patch: pytest.MonkeyPatch) -> None:
    """Let SIGTERM come while the trainer is in its `step`-th step from now."""
    steps, original = iter(range(1, step + 1)), Trainer.step

    def stopping(self: Trainer, *batch: object) -> torch.Tensor:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, *batch)

    patch.setattr(Trainer, "step", stopping)
