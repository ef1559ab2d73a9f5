"""One whole process, timed from outside, and the masks that it leaves."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tests.helpers.support import REPO
from train_offline.data.folder import listed_pairs
from train_offline.data.pixels import read_mask
from train_offline.scoring.confusion import confusion, fwiou


@dataclass(frozen=True)
class TimedRun:
    """Wall-clock and processor seconds; the largest resident size of any of its processes, in bytes.

    That begins at the size of the process that started it, so this one must stay small.
    """

    wall: float
    cpu: float
    peak_rss: int


class Failed(Exception):  # noqa: N818  what the bench notes down, not a mistake of anybody
    """A contestant did not end with 0; the text is its last line."""


def run(command: Sequence[str], environment: Mapping[str, str]) -> TimedRun:
    """Run a command to its end; raises Failed with its last line where it ends with another code than 0."""
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=REPO, env=environment, stdout=subprocess.DEVNULL, stderr=errors
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines()
            raise Failed(f"exit code {process.returncode}: {lines[-1] if lines else ''}")
    return TimedRun(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def fresh(folder: Path) -> Path:
    """The path of a folder that is not there yet."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def agreement(masks: Path, reference: Path) -> float:
    """Share of the pixels of all masks that are those of the reference; 0 where a mask is missing."""
    same = total = 0
    for path in sorted(reference.iterdir()):
        wanted = _mask(path)
        found = cv2.imread(str(masks / path.name), cv2.IMREAD_UNCHANGED)
        total += wanted.size
        if found is not None and found.shape == wanted.shape:
            same += int(np.count_nonzero(found == wanted))
    return same / total


def score(masks: Path, data: Path) -> float:
    """FWIoU over all scenes of a data folder."""
    total = np.zeros((2, 2), np.int64)
    for pair in listed_pairs(data, "val.csv"):
        mask = _mask(masks / f"{pair.name}.png")
        total += confusion(read_mask(pair.label, mask.shape), mask)
    return fwiou(total)


def _mask(path: Path) -> np.ndarray:
    """uint8 [H, W]; raises Failed where there is none."""
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise Failed(f"{path}: no mask that can be read")
    return mask


def medians(runs: list[TimedRun]) -> dict[str, float]:
    """What a row of results.csv says of several runs: seconds, megabytes."""
    wall = [one.wall for one in runs]
    return {
        "runs": len(runs),
        "seconds": statistics.median(wall),
        "seconds_min": min(wall),
        "seconds_max": max(wall),
        "cpu_seconds": statistics.median(one.cpu for one in runs),
        "peak_rss_mb": max(one.peak_rss for one in runs) / 1e6,
    }
