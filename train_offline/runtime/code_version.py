"""Which code and which packages are at work here."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = (
    "torch",
    "torchvision",
    "segmentation-models-pytorch",
    "timm",
    "lightning-fabric",
    "numpy",
    "opencv-python-headless",
    "tifffile",
    "imagecodecs",
)


def versions() -> dict[str, str]:
    """Return the version of each of PACKAGES that is installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def commit_of(folder: Path = REPOSITORY) -> dict[str, Any]:
    """Return "commit" and "dirty" (the code differs from it) of the repository whose root is `folder`.

    Both are None outside of git, and for a folder inside another repository.
    """
    root = _git(folder, "rev-parse", "--show-toplevel")
    commit = _git(folder, "rev-parse", "HEAD") if root and Path(root) == folder else None
    return {"commit": commit, "dirty": bool(_git(folder, "status", "--porcelain")) if commit else None}


def revision(digits: int = 40) -> str:
    """Return this checkout's commit, with "-changed" where the code differs; "no-commit" outside of git."""
    code = commit_of()
    return (code["commit"] or "no-commit")[:digits] + "-changed" * bool(code["dirty"])


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git says; None where there is no git, no repository, or one that git does not trust."""
    try:
        result = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True)
    except OSError:
        return None
    return None if result.returncode else result.stdout.strip()
