"""A checkout of its own for every test of run.sh, so that no .venv of ours is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
RUN_SH = REPO / "run.sh"

# Stands in place of .venv/bin/python and prints how it was called: what run.sh makes of its words.
TELLER = """#!/usr/bin/env bash
printf '%s\\n' "$$" "$PWD" "${PYTHONPATH%%:*}" "$@"
"""


def run(script: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    options = {"env": clean_environment(), "timeout": 120, **options}
    return subprocess.run([str(script), *arguments], capture_output=True, text=True, check=False, **options)


def clean_environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SEA_ICE", "PYTHON"))}
    return {**kept, **more}


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout, in a folder with a space, that has never been set up; its lock asks for nothing."""
    folder = tmp_path / "check out"
    folder.mkdir()
    shutil.copy(RUN_SH, folder)
    for package in ("infer", "train_offline", "tests"):
        shutil.copytree(REPO / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPO / "pyproject.toml", folder)
    (folder / "requirements-dev.lock").write_text("# nothing\n")
    return folder


@pytest.fixture
def checkout(bare: Path) -> Path:
    """The same, set up with a Python that only tells how it was called."""
    python = bare / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(TELLER)
    python.chmod(0o755)
    shutil.copy(bare / "requirements-dev.lock", bare / ".venv" / "made-from.lock")
    return bare
