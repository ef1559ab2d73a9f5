"""Scenes for trainings as processes, and one training that nothing has interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.offline.blobs import write_scene
from tests.helpers.offline.training_process import command, finish


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    for number in range(4):
        write_scene(folder / "data", str(number), number)
    write_scene(folder / "held out", "4", 50)
    return folder


@pytest.fixture(scope="module")
def whole(data: Path) -> Path:
    """A run of seven epochs that nothing has interrupted."""
    result = finish(data, command(data, data / "whole", "--epochs", 7, "--mix", 0.3))
    assert result.returncode == 0, result.stderr
    return data / "whole"
