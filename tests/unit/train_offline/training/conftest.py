"""Small data folders to train on, and a cache of decoded scenes of each test's own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.offline.blobs import write_scene


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A folder with three scenes to train on, in `data`, and three to score, in `held out`."""
    for number in range(3):
        write_scene(tmp_path / "data", str(number), number)
        write_scene(tmp_path / "held out", str(number), 20 + number)
    return tmp_path


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """A data folder of four scenes."""
    for number in range(4):
        write_scene(tmp_path / "data", str(number), number)
    return tmp_path / "data"


@pytest.fixture
def drop_privileges(folders: Path) -> Iterator[Callable[[], None]]:
    """From the call on, the process may not read what another user has locked."""
    # pytest makes them for their owner only
    ways = [way for way in (folders, *folders.parents) if tempfile.gettempdir() in map(str, way.parents)]

    def drop() -> None:
        if os.geteuid() == 0:
            for folder in ways:
                folder.chmod(0o777)
            os.seteuid(65534)  # with it go root's rights to read everything

    yield drop
    if os.getuid() == 0:
        os.seteuid(0)
        for folder in ways:
            folder.chmod(0o700)
