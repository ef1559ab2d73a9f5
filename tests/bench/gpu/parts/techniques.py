"""One technique of the ladder on the GPU."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator

from tests.bench.gpu.part import Place, call
from tests.bench.gpu.results import Figure

UNITS = {
    "seconds_before": "s", "seconds_after": "s", "speed_up": "times", "agreement_before": "share",
    "agreement_after": "share",
}  # fmt: skip


def measure(place: Place, technique: str) -> Iterator[Figure]:
    output = place.output / "ladder"
    line = [sys.executable, "-m", "tests.bench.ladder", "--on", "gpu", "--only", technique, "--installed"]
    line += ["--device", place.device, "--repeat", "1" if place.dry else "3"]
    line += ["--scenario", "one"] if place.dry else []
    call(*line, "--work", place.work, "--output", output)
    with (output / "ladder.csv").open(newline="", encoding="utf-8") as file:
        row = next(row for row in csv.DictReader(file) if row["technique"] == technique)
    for name, unit in UNITS.items():
        note = f"{row['scenario']}, {'kept' if row['kept'] == 'yes' else 'not kept'}"
        yield Figure(f"{technique}: {name}", row[name], unit, note)
