"""A wrong call, a place that cannot be used: one line before any scene is read."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.helpers.offline.training import arguments, train
from train_offline.commands.train import main
from train_offline.training.step import Trainer


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--arch", "none"], "no architecture"),
        (["--encoder", "none"], "no encoder"),
        (["--init", "none.pt"], "no such checkpoint"),
        (["--init", "none.safetensors"], "none.safetensors"),
        (["--init", "none.pt", "--encoder-weights", "imagenet"], "leave one of them out"),
    ],
)
def test_wrong_names_are_said_before_any_scene_is_read(
    folders: Path, more, reason, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(folders, "run", "--steps", 1, *more) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line
    assert not (folders / "cache").exists()


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--steps", "2", "--patience", "3"], "--patience looks at the validation"),
        (["--steps", "2", "--sampling", "tiles", "--ice-crops", "0.5"], "--ice-crops needs"),
        (["--steps", "2", "--dice", "0", "--entropy", "0", "--boundary", "0"], "no loss is left"),
        (["--steps", "2", "--preset", "none"], "--preset"),
        (["--steps", "2", "--arch", "fpn", "--deep-supervision", "0.5"], "deep supervision is for"),
        (["--steps", "0"], "--steps"),
        (["--steps", "2", "--crop", "50"], "--crop must be a multiple of 16"),
        (["--steps", "2", "--batch", "1"], "--batch must be at least 2"),
        (["--steps", "2", "--lr", "nan"], "--lr"),
        (["--steps", "2", "--encoder", "no-such"], "no encoder"),
        (["--steps", "2", "--val", "no/such/folder"], "no such folder"),
        (["--steps", "2", "--resume"], "no such checkpoint"),
        (["--steps", "2", "--init", __file__], "not a readable checkpoint"),
        (["--steps", "2", "--unknown"], "--unknown"),
        (["--steps", "2", "--seed", "4294967296"], "--seed: must be a whole number from 0 to 4294967295"),
    ],
)
def test_wrong_call_is_one_line(
    labelled: Path, tmp_path: Path, more, reason, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(labelled, tmp_path / "run", *more)) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    assert reason in error
    assert not (tmp_path / "run" / "last.pt").exists()


def test_a_finished_run_is_not_overwritten(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(labelled, tmp_path / "run", "--steps", 1)) == 0
    assert main(arguments(labelled, tmp_path / "run", "--steps", 1)) == 2
    assert "--resume" in capsys.readouterr().err


def test_a_run_folder_that_takes_no_file_is_one_line(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folders / "file").write_text("no folder")
    assert train(folders, "file", "--steps", 1) == 2
    assert train(folders, "file/run", "--steps", 1) == 2
    (folders / "disk").mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folders / "disk"], capture_output=True
    )
    if mounted.returncode == 0:
        try:
            assert train(folders, "disk", "--steps", 1) == 2
            assert train(folders, "disk/run", "--steps", 1) == 2
        finally:
            subprocess.run(["umount", folders / "disk"], check=True)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == (4 if mounted.returncode == 0 else 2)
    assert all("cannot be" in line for line in lines)
    assert not (folders / "cache").exists(), "no scene was read"


@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_folders_that_may_not_be_read_are_one_line(
    folders: Path, more, drop_privileges: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    (folders / "locked" / "run").mkdir(parents=True)
    (folders / "locked").chmod(0)
    drop_privileges()
    assert train(folders, "locked/run", "--steps", 1, *more) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(folders / "locked" / "run") in line


def test_data_that_may_not_be_read_is_one_line(
    folders: Path, drop_privileges: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    run = folders / "run"
    run.mkdir()
    run.chmod(0o777)
    (folders / "data").chmod(0)
    drop_privileges()
    assert train(folders, "run", "--steps", 1) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(folders / "data") in line


def test_more_memory_than_there_is_is_one_line(
    folders: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def step(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")

    monkeypatch.setattr(Trainer, "step", step)
    assert train(folders, "run", "--steps", 1, "--no-tensorboard") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "lower --batch or --crop" in line
