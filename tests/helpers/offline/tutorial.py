"""README's tutorial: its commands, and a copy of the checkout in which they may replace the weights."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers.support import REPO

HEADING = "## A first scored submission in ten minutes"
SMALLER = {"SCENES": "12", "MINUTES": "0.1"}  # the variables of README's own commands


def tutorial() -> str:
    """The section of README."""
    section = (REPO / "README.md").read_text().partition(f"{HEADING}\n")[2]
    return section.partition("\n## ")[0]


def commands() -> list[str]:
    """The lines of the tutorial's first fenced block, those that a backslash parts as one."""
    block = re.search(r"^```sh\n(.*?)^```$", tutorial(), re.DOTALL | re.MULTILINE)
    assert block, f"no block of commands under {HEADING!r}"
    return block[1].replace("\\\n", "").splitlines()


def verb(command: str) -> str:
    """The verb of a command."""
    return command.split()[1]


def copy_checkout(folder: Path) -> Path:
    """The files that git knows, as they are here, and this checkout's .venv."""
    listed = subprocess.run(
        ["git", "-C", REPO, "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    if not (REPO / ".venv").exists():
        pytest.skip("no .venv in this checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if (REPO / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPO / name, folder / name)
    (folder / ".venv").symlink_to((REPO / ".venv").resolve())
    return folder


def type_in(command: str, checkout: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a reader would, in a shell in the checkout, with smaller numbers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env = {**kept, **SMALLER, "XDG_CACHE_HOME": str(checkout / "cache")}
    return subprocess.run(
        command, shell=True, cwd=checkout, env=env, capture_output=True, text=True, check=False, timeout=900
    )
