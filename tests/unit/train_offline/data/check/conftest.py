"""Fixtures for the tests of `check`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.offline.checked import make_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six scenes in order, on two lists."""
    return make_folder(tmp_path / "data")
