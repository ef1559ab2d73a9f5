"""Scenes for trainings as processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.offline.blobs import write_scene


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    for number in range(4):
        write_scene(folder / "data", str(number), number)
    write_scene(folder / "held out", "4", 50)
    return folder
