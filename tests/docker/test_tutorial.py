"""The last command of README's tutorial: it builds, judges and saves what the others made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docker.judge import Judge
from tests.helpers.offline.tutorial import commands, copy_checkout, type_in, verb

pytestmark = pytest.mark.docker


def test_pack_saves_what_the_tutorial_made(judge: Judge, tmp_path: Path) -> None:
    """With the weights as shipped: tests/e2e/training/test_tutorial.py trains others."""
    checkout = copy_checkout(tmp_path)
    for command in commands():
        if verb(command) in ("synthesize", "split", "pack"):
            result = type_in(command, checkout)
            assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    assert list((checkout / "submissions").glob("sea-ice-*.tar.gz"))
