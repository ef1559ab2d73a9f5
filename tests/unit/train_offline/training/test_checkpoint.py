"""A checkpoint is whole or not there, and a file that is none is one line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch

from infer.errors import FileError
from tests.helpers.offline.training import train
from train_offline.training import checkpoint


def test_a_checkpoint_that_is_none_is_one_line(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folders / "text.pt").write_text("(nothing of the kind")
    assert train(folders, "run", "--steps", 1, "--init", folders / "text.pt") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "text.pt: not a readable checkpoint" in line


def test_save_refuses_in_one_line(tmp_path: Path) -> None:
    state = checkpoint.Checkpoint({}, {}, {}, 0, {}, torch.zeros(1), 0, 0.0, {})
    with pytest.raises(FileError, match="cannot be written"):
        checkpoint.save(state, tmp_path / "no folder" / "last.pt")


def test_a_disk_that_is_full_ends_the_run_in_one_line(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folders / "disk").mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folders / "disk"], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("cannot mount a file system here")
    try:
        assert train(folders, "disk", "--steps", 4, "--no-tensorboard") == 2
        assert not list((folders / "disk").glob("*.pt*"))
    finally:
        subprocess.run(["umount", folders / "disk"], check=True)
    (line,) = capsys.readouterr().err.splitlines()
    assert ".pt: cannot be written" in line
