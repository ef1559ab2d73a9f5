"""Where the job's seconds go, its start-up in parts, by its own report; medians of whole processes."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator

from tests.bench.gpu.part import Place
from tests.bench.gpu.parts.agreement import job
from tests.bench.gpu.results import Figure
from tests.bench.harness.scenarios import make

RUNS = 5


def measure(place: Place) -> Iterator[Figure]:
    runs = 1 if place.dry else RUNS
    for name in ("one",) if place.dry else ("one", "split", "many"):
        scenes, masks = make(name, place.work) / "image", place.scratch("stages")
        start = [sys.executable, "-m", "infer"]
        reports = [job(start, scenes, masks, place.device) for _ in range(runs + 1)][1:]  # one warms the disk
        where = f"{reports[0]['device']}, {reports[0]['precision']}, median of {runs}"
        for stage in reports[0]["seconds"]:
            seconds = statistics.median(report["seconds"][stage] or 0.0 for report in reports)
            yield Figure(f"{name}: {stage}", round(seconds, 4), "s", where)
        for peak in ("peak_gpu_bytes", "peak_rss_bytes"):
            yield Figure(f"{name}: {peak}", max(report[peak] for report in reports), "bytes", where)
