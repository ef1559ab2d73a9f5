"""The job's masks on the GPU beside its masks in fp32 on the CPU: the share of pixels that are the same.

The fp32 is torch's, whatever the CPU: the job's own choice there may be bf16.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from infer.settings import WEIGHTS
from tests.bench.gpu.part import FailedPart, Place, call
from tests.bench.gpu.parts.contest import need_cuda
from tests.bench.gpu.results import Figure
from tests.bench.harness.measure import agreement, fresh
from tests.bench.harness.scenarios import make
from tests.helpers.support import ENGINES, PATCHED_JOB, SHARED


def measure(place: Place, engine: str = "torch") -> Iterator[Figure]:
    if engine == "ort-cuda" and not place.dry:
        need_cuda()
    folders = {
        name: make(name, place.work) / "image" for name in (("one",) if place.dry else ("split", "many"))
    }
    real = SHARED / "data" / "bohai_dev" / "image"
    if real.is_dir() and not place.dry:
        folders["bohai_dev"] = real
    for name, scenes in folders.items():
        masks, reference = place.scratch(f"agreement/{name}"), place.scratch(f"agreement/{name}-fp32")
        here = job([sys.executable, "-m", "infer", "--engine", engine], scenes, masks, place.device)
        if here["device"] != place.device:
            raise FailedPart(f"{name}: the job ran on {here['device']}, not on {place.device}")
        if here["engine"] != engine and not place.dry:
            raise FailedPart(f"{name}: the job ran by {here['engine']}, not by {engine}")
        in_fp32 = PATCHED_JOB.format(patches=ENGINES["torch"])
        there = job([sys.executable, "-c", in_fp32], scenes, reference, "cpu")
        if (there["device"], there["precision"]) != ("cpu", "fp32"):
            raise FailedPart(f"{name}: the reference ran in {there['precision']} on {there['device']}")
        degraded = sum(scene["status"] != "ok" for scene in here["scenes"])
        yield Figure(f"{name}: degraded", degraded, "scenes")
        note = f"{here['engine']} in {here['precision']} against torch's fp32 on the CPU"
        yield Figure(f"{name}: equal pixels", round(agreement(masks, reference), 7), "share", note)
        share, worst = min((same(masks / path.name, path), path.stem) for path in reference.iterdir())
        yield Figure(f"{name}: equal pixels of the worst scene", round(share, 7), "share", worst)


def job(start: list[str], scenes: Path, masks: Path, device: str) -> dict:  # type: ignore[type-arg]
    """Run the job to its end; returns its report."""
    report = masks.with_suffix(".json")
    folders = ["--input", scenes, "--output", fresh(masks), "--weights", WEIGHTS, "--report", report]
    call(*start, *folders, "--device", device)
    return dict(json.loads(report.read_text()))


def same(mask: Path, reference: Path) -> float:
    """Share of equal pixels of one mask; 0 where it is missing or of another size."""
    wanted, found = (cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (reference, mask))
    if found is None or wanted is None or found.shape != wanted.shape:
        return 0.0
    return float(np.mean(found == wanted))
