"""The files that a job left, read without harm: some other program's, of any kind and size."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

MAX_MASK = 2**28  # bytes


def differing(folders: list[Path]) -> list[str]:
    """Return the names of the files in the last folder of masks that an earlier one holds otherwise."""
    if len(folders) == 1:
        return []
    *earlier, last = ({path.name: _hash(path) for path in _plain_files(folder)} for folder in folders)
    items = (item for hashes in earlier for item in hashes.items())
    return sorted({name for name, value in items if last.get(name, value) != value})


def _plain_files(folder: Path) -> list[Path]:
    """List what a job left that can be read without harm."""
    try:
        entries = sorted(folder.iterdir())
        return [p for p in entries if p.is_file() and not p.is_symlink() and os.access(p, os.R_OK)]
    except OSError:
        return []


def _hash(path: Path) -> str:
    """Return that of the content, or the size of a file that is too large to be a mask."""
    size = path.stat().st_size
    return hashlib.sha256(path.read_bytes()).hexdigest() if size <= MAX_MASK else str(size)


def copy_files(source: Path, target: Path) -> None:
    """Copy all that can be read; links, pipes and folders stay behind."""
    for path in _plain_files(source):
        shutil.copyfile(path, target / path.name)
