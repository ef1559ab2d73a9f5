"""Crops per second of a short training with the recipe of train_offline/weights.sh, on drawn scenes."""

from __future__ import annotations

import csv
import re
import shlex
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.gpu.part import REPO, FailedPart, Place, call
from tests.bench.gpu.results import Figure
from tests.bench.harness.measure import fresh

RECIPE = REPO / "train_offline" / "weights.sh"
SCENES, EPOCHS = 120, 4
STEPS = 100  # of an epoch
LARGER = 8  # times the recipe's batch: a small one leaves a GPU waiting


def measure(place: Place) -> Iterator[Figure]:
    scenes = 8 if place.dry else SCENES
    data = place.work / "gpu" / f"training-{scenes}"
    if not (data / "val.csv").is_file():
        size = ["--count", str(scenes), "--size", "512", "--seed", "770001", "--ice-share", "0.6"]
        call(
            sys.executable,
            "-m",
            "train_offline.commands.synthesize",
            "--output",
            fresh(data),
            *size,
            "--list",
            "drawn.csv",
        )
        call(sys.executable, "-m", "train_offline.commands.split", data, "--val-share", "0.25")
    options = recipe()
    batch = int(options[options.index("--batch") + 1])
    for size in (batch,) if place.dry else (batch, batch * LARGER):
        for workers in (2,) if place.dry else (4, 12):
            yield _trained(place, data, options, size, workers)


def recipe() -> list[str]:
    """The options that both trainings of the recipe share."""
    found = re.search(r"^COMMON=\((.*?)\)", RECIPE.read_text(), re.MULTILINE | re.DOTALL)
    if not found:
        raise FailedPart(f"{RECIPE.name} has no COMMON=(...) any more")
    return shlex.split(found[1])


def _trained(place: Place, data: Path, options: list[str], batch: int, workers: int) -> Figure:
    steps, epochs = (2, 2) if place.dry else (STEPS, EPOCHS)
    run = fresh(place.scratch("training") / "run")
    line = [sys.executable, "-m", "train_offline.commands.train", "--run", run, *options, "--data", data]
    line += ["--val", data, "--val-every", str(epochs), "--device", place.device, "--workers", str(workers)]
    line += ["--batch", str(batch), "--epoch-crops", str(batch * steps), "--steps", str(steps * epochs)]
    call(*line, "--no-tensorboard")
    with (run / "history.csv").open(newline="", encoding="utf-8") as file:
        speeds = [float(row["crops_per_second"]) for row in csv.DictReader(file)]
    note = f"epochs of {steps} batches, all but the first"  # which chooses algorithms and fills the queue
    speed = statistics.median(speeds[1:])
    return Figure(f"batch {batch}, {workers} workers", speed, "crops/s", note)
