"""A scenario by tests.bench: our job, and peers with the packages that are here."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.bench.gpu.part import Place, SkippedPart, call
from tests.bench.gpu.results import FAILED, SKIPPED, Figure
from tests.bench.harness import table

UNITS = {
    "seconds": "s", "seconds_min": "s", "seconds_max": "s", "cpu_seconds": "s", "peak_rss_mb": "MB",
    "megapixels_per_second": "MP/s", "agreement": "share", "fwiou": "",
}  # fmt: skip
ON_CPU = {"ours cuda": "ours cpu", "ours ort-cuda": "ours"}  # in a rehearsal
REPEAT = {"one": 5, "split": 3, "many": 3, "thousand": 1}


def measure(place: Place, scenario: str, *contestants: str) -> Iterator[Figure]:
    if {"onnxruntime", "ours ort-cuda"} & set(contestants) and not place.dry:
        need_cuda()
    repeat = 1 if place.dry else REPEAT[scenario]
    if place.dry:
        scenario, contestants = "one", tuple(ON_CPU.get(name, name) for name in contestants)
    output = place.output / "bench"
    line = [
        sys.executable,
        "-m",
        "tests.bench",
        "--installed",
        "--scenario",
        scenario,
        "--repeat",
        str(repeat),
    ]
    for name in contestants:
        line += ["--contestant", name]
    call(*line, "--work", place.work, "--output", output)
    rows = table.read(output / "results.csv")
    here = {row["contestant"]: row for row in rows if row["scenario"] == scenario}
    for name in contestants:
        yield from figures(here[name])


def figures(row: dict[str, str]) -> Iterator[Figure]:
    """What a row of results.csv says; its note where it has no seconds."""
    about = f"{row['scenario']}: {row['contestant']}"
    if not row["seconds"]:
        yield Figure(FAILED if "exit code" in row["note"] else SKIPPED, note=f"{about}: {row['note']}")
        return
    for name, unit in UNITS.items():
        yield Figure(
            f"{about}: {name}", row[name], unit, f"median of {row['runs']}" if name == "seconds" else ""
        )


def need_cuda() -> None:
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise SkippedPart("onnxruntime here has no CUDAExecutionProvider (onnxruntime-gpu has)")
