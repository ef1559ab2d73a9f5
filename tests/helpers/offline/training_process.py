"""Trainings as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.helpers.offline.training import history
from tests.helpers.support import REPO, heed_signals
from train_offline.training import checkpoint

TRAIN = (sys.executable, "-m", "train_offline.commands.train")
SMALL = "--preset modern --crop 32 --batch 4 --epoch-crops 48 --precision fp32 --device cpu --no-tensorboard"


def command(data: Path, run: Path, *more: object) -> list[str]:
    folders = ["--data", data / "data", "--val", data / "held out", "--run-folder", run]
    return [*TRAIN, *map(str, folders), *SMALL.split(), *map(str, more)]


def environment(data: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("OPENCV_")}
    return {**ours, "PYTHONPATH": str(REPO), "XDG_CACHE_HOME": str(data / "cache")}


def finish(data: Path, line: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        line, capture_output=True, text=True, timeout=300, env=environment(data), **{"cwd": data, **options}
    )


def start(data: Path, line: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        line,
        cwd=data,
        env=environment(data),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_signals,
    )


def wait_for_new(path: Path, process: subprocess.Popen[str], before: int) -> None:
    """Until there is a checkpoint of a later step."""
    wait_for(path, process)
    while checkpoint.load(path).step <= before:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 200
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def differences(first: Path, second: Path) -> list[str]:
    """What differs between two runs: bits of the checkpoints, figures of history but for the clock."""
    found = []
    for name in ("last.pt", "best.pt"):
        a, b = checkpoint.load(first / name), checkpoint.load(second / name)
        found += [
            f"{name}: {what}: {mine}, {other}"
            for what, mine, other in (
                ("step", a.step, b.step),
                ("best", a.best, b.best),
                ("scores", a.scores, b.scores),
            )
            if mine != other
        ]
        for part, mine, other in (("model", a.model, b.model), ("ema", a.ema, b.ema)):
            assert mine.keys() == other.keys()
            odd = [key for key in mine if not torch.equal(mine[key], other[key])]
            if odd:
                found.append(f"{name}: {len(odd)} of {len(mine)} tensors of {part}")
    return found + _differences_of_history(first, second)


def _differences_of_history(first: Path, second: Path) -> list[str]:
    clock = {"seconds", "crops_per_second"}
    rows, others = history(first), history(second)
    if len(rows) != len(others):
        return [f"history: {len(rows)} rows, {len(others)}"]
    return [
        f"history, row {number}: {column}: {row[column]}, {other[column]}"
        for number, (row, other) in enumerate(zip(rows, others, strict=True))
        for column in sorted(row.keys() - clock)
        if float(row[column]) != pytest.approx(float(other[column]), abs=2e-5, nan_ok=True)
    ]
