"""Temporary folders: they go with their processes, and what killed ones have left goes with the next."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from infer.process.files import drop_scratch, scratch_folder
from tests.helpers.support import REPO

PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
MAKES_ONE = """
from infer.process.files import scratch_folder
folder = scratch_folder("test")
(folder / "full").mkdir()
print(folder, flush=True)
input()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_what_a_killed_process_has_left_is_removed_and_no_other(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MAKES_ONE],
            cwd=REPO,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    killed, alive = (Path(process.stdout.readline().strip()) for process in processes if process.stdout)
    (tmp_path / "test-of others").mkdir()
    processes[0].kill()
    processes[0].wait()
    mine = scratch_folder("test")
    assert not killed.exists()
    assert alive.exists()
    assert (tmp_path / "test-of others").exists()
    (mine / "x").write_bytes(b"x")
    drop_scratch(mine)
    drop_scratch(mine)
    processes[1].communicate("\n")
    assert alive.exists()
    drop_scratch(scratch_folder("test"))
    assert [path.name for path in tmp_path.iterdir()] == ["test-of others"]
