"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.support import random_rgb, write_tiff

# Before torch is imported: its threads would spin while they wait, and make a busy machine many times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """What a test changes in the environment (decoding does) stays out of the processes of the next."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def three_scenes(tmp_path: Path) -> Path:
    """A folder of three scenes with different sizes and forms, and a file that is none."""
    folder = tmp_path / "scenes in"
    folder.mkdir()
    write_tiff(folder / "a.b.tif", random_rgb(160, 176, 1))
    write_tiff(folder / "odd.TIFF", random_rgb(97, 131, 2))
    write_tiff(folder / "plain.Tif", random_rgb(160, 170, 3), compression=None, predictor=False)
    (folder / "notes.txt").write_text("left alone")
    return folder
