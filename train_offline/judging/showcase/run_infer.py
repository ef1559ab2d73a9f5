"""A judge in small, for programs that only want masks and their score: run the job, count its pixels."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from train_offline.data.folder import Pair
from train_offline.data.pixels import read_mask
from train_offline.judging.run.process import checkout_environment
from train_offline.scoring.score import counts


def run_job(arguments: Sequence[str | Path]) -> int:
    """Run `python -m infer` as a process of its own, its output shown; returns its exit code."""
    sys.stdout.flush()
    line = [sys.executable, "-m", "infer", *map(str, arguments)]
    return subprocess.run(line, env=checkout_environment(), check=False).returncode


def total_counts(pairs: Iterable[Pair], masks: Path) -> np.ndarray:
    """Count what score.score needs, int64 [2, 2, 2], over all scenes with a mask that can be read.

    Pixels marked in ignore/ are left out. Raises UsageError for a truth that has not its mask's size.
    """
    total = np.zeros((2, 2, 2), np.int64)
    for pair in pairs:
        path = masks / f"{pair.name}.png"
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
        if mask is not None:
            truth = read_mask(pair.label, mask.shape)
            total += counts(truth, mask, read_mask(pair.ignore, mask.shape) if pair.ignore else None)
    return total
