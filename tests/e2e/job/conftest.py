"""Folders of scenes that several tests of the job read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.helpers.support import random_rgb, read_masks, run_infer, write_tiff


@pytest.fixture
def broken_scenes(three_scenes: Path) -> Path:
    """The three scenes and four that cannot be read, in different ways."""
    (three_scenes / "empty.tif").touch()
    (three_scenes / "text.tiff").write_text("this is no picture")
    cut = write_tiff(three_scenes / "cut.tif", random_rgb(200, 120))
    cut.write_bytes(cut.read_bytes()[:9000])
    noise = write_tiff(three_scenes / "noise.tif", random_rgb(160, 176))
    content = noise.read_bytes()
    noise.write_bytes(content[:5000] + b"\xff" * (len(content) - 5000))
    return three_scenes


@pytest.fixture(scope="session")
def forty_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that no test may change."""
    folder = tmp_path_factory.mktemp("in")
    for i in range(40):
        write_tiff(folder / f"{i:02}.tif", random_rgb(128, 160, seed=i))
    return folder


@pytest.fixture(scope="session")
def undisturbed_masks(forty_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The masks of forty_scenes by a run that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole")
    assert run_infer("--input", forty_scenes, "--output", out).returncode == 0
    return read_masks(out)
