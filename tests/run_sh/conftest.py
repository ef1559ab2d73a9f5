"""A checkout of its own for every test of run.sh, so that no .venv of ours is touched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.run_sh.calls import REPO, RUN_SH, TELLER


@pytest.fixture
def bare_checkout(tmp_path: Path) -> Path:
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
def ready_checkout(bare_checkout: Path) -> Path:
    """The same, set up with a Python that only tells how it was called."""
    python = bare_checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(TELLER)
    python.chmod(0o755)
    shutil.copy(bare_checkout / "requirements-dev.lock", bare_checkout / ".venv" / "made-from.lock")
    return bare_checkout
