"""Runs the job on damaged scenes, folder by folder, and looks at what comes out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random

import cv2

from infer.errors import HeaderError
from infer.plan.tiff_header import read_header
from infer.settings import MAX_PIXELS
from tests.fuzz.mutate import mutated
from tests.helpers.memory import largest_peak
from tests.helpers.support import REPO

MAX_PAUSE = 10.0  # seconds between two masks, above which a scene has hung
MAX_SECONDS = 600  # seconds for a folder


@dataclass
class CampaignResult:
    """Of all folders so far. crashes: scenes that killed a process. faults: what must not be, in words.

    slowest: longest time between two masks in a folder, seconds; after: the later of the two. peak: most
    resident memory of any process of the job, bytes.
    """

    scenes: int = 0
    degraded: int = 0
    crashes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0
    after: str = ""
    peak: int = 0


def fuzz(files: Sequence[bytes], seed: int, count: int, per_folder: int, work: Path) -> CampaignResult:
    """`count` scenes damaged by `seed`, `per_folder` of them in one run of the job.

    Scenes that crashed or broke something are kept in work/found.
    """
    outcome = CampaignResult()
    for first in range(0, count, per_folder):
        folder = work / "in"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(work / "out", ignore_errors=True)
        folder.mkdir(parents=True)
        for number in range(first, min(first + per_folder, count)):
            content = mutated(files, Random(f"{seed}/{number}"))
            (folder / f"{number:06}.tif").write_bytes(content)
        _run(folder, work, outcome)
    return outcome


def _run(folder: Path, work: Path, outcome: CampaignResult) -> None:
    out = work / "out"
    command = [sys.executable, "-m", "infer", "--input", str(folder), "--output", str(out), "--device", "cpu"]
    started = time.time()
    with open(work / "stderr", "w") as stderr:
        process = subprocess.Popen(command, cwd=REPO, stdout=subprocess.DEVNULL, stderr=stderr)
        peak = _wait(process)
    said = (work / "stderr").read_text(errors="replace")
    scenes = sorted(folder.iterdir())
    bad = {path: fault for path in scenes if (fault := _fault(path, out))}
    outcome.faults += [f"{path.name}: {fault}" for path, fault in bad.items()]
    extra = set(os.listdir(out)) - {path.with_suffix(".png").name for path in scenes}
    if process.returncode or "Traceback" in said or extra:
        fault = f"exit {process.returncode}, {sorted(extra)[:3]}: {said[-300:]}"
        outcome.faults.append(f"{folder.name}: {fault}")
    crashed = [path for path in scenes if f"{path.name}: reading or predicting it killed" in said]
    outcome.crashes += [path.name for path in crashed]
    for path in {*crashed, *bad}:
        (work / "found").mkdir(exist_ok=True)
        shutil.copy(path, work / "found")
    outcome.scenes += len(scenes)
    outcome.degraded += said.count("its mask is black")
    outcome.slowest, outcome.after = max((outcome.slowest, outcome.after), _longest_pause(out, started))
    outcome.peak = max(outcome.peak, peak)


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Peak resident bytes of the largest process of the run, which is killed where it hangs."""
    deadline = time.monotonic() + MAX_SECONDS
    peak = 0
    while process.poll() is None and time.monotonic() < deadline:
        peak = max(peak, largest_peak(process.pid))
        time.sleep(0.02)
    if process.returncode is None:
        process.kill()
        process.wait()
    return peak


def _fault(scene: Path, out: Path) -> str | None:
    """What is wrong with the scene's mask: its size must be the header's where that can be read."""
    mask = cv2.imread(str(out / scene.with_suffix(".png").name), cv2.IMREAD_UNCHANGED)
    if mask is None:
        return "no mask that can be read"
    try:
        shape = read_header(scene).shape
    except HeaderError:
        shape = 512, 512
    if mask.shape != shape:
        return f"its mask has the size {mask.shape}, not {shape}"
    if mask.dtype != "uint8" or (mask.size <= MAX_PIXELS and ((mask != 0) & (mask != 255)).any()):
        return "its mask has other values than 0 and 255"
    return None


def _longest_pause(out: Path, started: float) -> tuple[float, str]:
    masks = sorted((entry.stat().st_mtime, entry.name) for entry in os.scandir(out))
    moments = [(started, ""), *masks]
    return max((later[0] - earlier[0], later[1]) for earlier, later in pairwise(moments))
