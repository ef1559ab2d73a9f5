"""The judge's part: lay out the scenes, run the job from outside, compare its masks with the truth."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from infer.settings import UsageError
from train_offline.folder import Pair
from train_offline.score import counts

REPOSITORY = Path(__file__).resolve().parents[1]


def stage_scenes(pairs: Iterable[Pair], folder: Path) -> Path:
    """Make a folder with a link to every scene and nothing else: what the judge would mount at /input.

    Raises UsageError for two scenes of one name, whose masks would be the same file.
    """
    folder.mkdir()
    names = set()
    for pair in pairs:
        if pair.name in names:
            raise UsageError(
                f"{pair.image}: another listed scene has the name {pair.name}; rename one of them"
            )
        names.add(pair.name)
        (folder / pair.image.name).symlink_to(pair.image.resolve())
    return folder


def require_truths_that_fit(pairs: Iterable[Pair], sizes: dict[str, tuple[int, int]]) -> None:
    """Raises UsageError for a mask in gt/ or ignore/ that cannot be read or has not its scene's size."""
    for pair in pairs:
        for path in filter(None, (pair.label, pair.ignore)):
            height, width = _grey(path).shape
            if (height, width) != sizes[pair.name]:
                raise UsageError(
                    f"{path}: is {height}x{width} pixels, its scene is {'x'.join(map(str, sizes[pair.name]))}"
                )


def run_job(arguments: Sequence[str | Path]) -> tuple[int, float]:
    """Run `python -m infer` as a process of its own, its output shown; (exit code, seconds it took)."""
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    sys.stdout.flush()
    began = time.perf_counter()
    line = [sys.executable, "-m", "infer", *map(str, arguments)]
    code = subprocess.run(line, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
    return code, time.perf_counter() - began


def total_counts(pairs: Iterable[Pair], masks: Path, leave_out: bool = True) -> np.ndarray:
    """What score.score needs, int64 [2, 2, 2], over the scenes whose mask can be read and has their size.

    Pixels marked in ignore/ are left out, or with `leave_out` False counted by what gt/ says of them. Raises
    UsageError for a truth that cannot be read.
    """
    total = np.zeros((2, 2, 2), np.int64)
    for pair in pairs:
        truth = _grey(pair.label)
        ignore = _grey(pair.ignore) if pair.ignore and leave_out else None
        path = masks / f"{pair.name}.png"
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
        if mask is not None and mask.shape == truth.shape:
            total += counts(truth, mask, ignore)
    return total


def _grey(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise UsageError(f"{path}: cannot be read as an image")
    return image
