"""What a run was made from: data, code and packages, for its folder and its checkpoints."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from train_offline.dataset import Source

REPOSITORY = Path(__file__).resolve().parents[1]
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


def facts_of(train: Iterable[Source], val: Iterable[Source]) -> dict[str, Any]:
    """Plain values: data_sha256 (of the training scenes), data, val, commit, dirty, versions.

    Hashes are of decoded pixels and labels, so the same scenes have the same hash on every machine. commit
    and dirty (the code differs from the commit) are None outside of git.
    """
    train = list(train)
    whole = hashlib.sha256("".join(source.sha256 for source in train).encode()).hexdigest()
    return {
        "data_sha256": whole,
        "data": [_described(source) for source in train],
        "val": [_described(source) for source in val],
        **_commit(),
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": platform.platform(),
    }


def _described(source: Source) -> dict[str, Any]:
    return {"name": source.name, "scenes": len(source.scenes), "sha256": source.sha256}


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _commit(folder: Path = REPOSITORY) -> dict[str, Any]:
    """The commit of the repository whose root is `folder`; a folder inside another repository has none."""
    root = _git(folder, "rev-parse", "--show-toplevel")
    commit = _git(folder, "rev-parse", "HEAD") if root and Path(root) == folder else None
    return {"commit": commit, "dirty": bool(_git(folder, "status", "--porcelain")) if commit else None}


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None where there is no git, no repository, or one that git does not trust."""
    try:
        result = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True)
    except OSError:
        return None
    return None if result.returncode else result.stdout.strip()
