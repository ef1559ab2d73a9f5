"""From how many megapixels on the GPU is the faster one."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator

from tests.bench.gpu.part import Place, call
from tests.bench.gpu.results import Figure


def measure(place: Place) -> Iterator[Figure]:
    small = ["--against", "auto", "--scenes", "1", "2", "--repeat", "1"] if place.dry else []
    line = [sys.executable, "-m", "tests.bench", "--crossover", *small, "--work", place.work]
    said = call(*line, "--output", place.output)
    with (place.output / "crossover.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for column in [name for name in row if name.startswith("seconds_")]:
            device = column.removeprefix("seconds_")
            yield Figure(f"{row['megapixels']} MP: {device}", row[column], "s", f"median of {row['runs']}")
    yield Figure("crosses at", rows[-1]["crosses_at_megapixels"], "MP", said.strip().splitlines()[-1])
