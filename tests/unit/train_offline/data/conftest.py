"""Fixtures for the tests of data folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.offline.checked import make_folder
from tests.helpers.offline.data_folder import mask_of, noise, write_labelled


@pytest.fixture
def two_scenes(tmp_path: Path) -> Path:
    """A data folder of two scenes, a and b.c, of 20 x 30 pixels; a part of a is ignored."""
    image, mask = noise(1, 20, 30, 4), mask_of(noise(2, 20, 30) > 99)
    write_labelled(tmp_path, "a", image, mask, mask_of(noise(3, 20, 30) > 200))
    write_labelled(tmp_path, "b.c", image, mask)
    return tmp_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six scenes in order, on two lists."""
    return make_folder(tmp_path / "data")
