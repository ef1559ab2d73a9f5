"""The facts that the programs of this folder find, each of them run once in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.helpers.support import REPO


@pytest.fixture(scope="session")
def inference() -> dict[str, Any]:
    return _facts("inference")


@pytest.fixture(scope="session")
def training() -> dict[str, Any]:
    return _facts("training")


def _facts(program: str) -> dict[str, Any]:
    """What a program prints where no GPU is to be seen, whatever this machine has."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", f"tests.rehearsal.fake.{program}"],
        cwd=REPO,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{program} ended with {done.returncode}\n{done.stderr}", pytrace=False)
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts
