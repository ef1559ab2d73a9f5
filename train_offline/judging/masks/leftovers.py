"""The files that a job left, read without harm: some other program's, of any kind and size."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from train_offline.judging.run.runs import Run

LARGEST_MASK = 2**28  # bytes


def differing(runs: list[Run]) -> list[str]:
    """Files of the last run that an earlier one wrote otherwise."""
    if len(runs) == 1:
        return []
    *earlier, last = ({path.name: _hash(path) for path in _plain_files(run.masks)} for run in runs)
    items = (item for run in earlier for item in run.items())
    return sorted({name for name, value in items if last.get(name, value) != value})


def _plain_files(folder: Path) -> list[Path]:
    """What a job left that can be read without harm."""
    try:
        entries = sorted(folder.iterdir())
        return [p for p in entries if p.is_file() and not p.is_symlink() and os.access(p, os.R_OK)]
    except OSError:
        return []


def _hash(path: Path) -> str:
    """Of the content, or of the size of a file that is too large to be a mask."""
    size = path.stat().st_size
    return hashlib.sha256(path.read_bytes()).hexdigest() if size <= LARGEST_MASK else str(size)


def copy_files(source: Path, target: Path) -> None:
    """Copy all that can be read; links, pipes and folders stay behind."""
    for path in _plain_files(source):
        shutil.copyfile(path, target / path.name)
