"""`check` as a command: what it prints, and its exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.helpers.offline.checked import make_folder
from train_offline.commands.check import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six scenes in order, on two lists."""
    return make_folder(tmp_path / "data")


def test_a_folder_in_order_has_no_findings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1 + 6 + 1
    assert re.fullmatch(r"a +120x90 +3 +uint8 +33\.3% +train", said[1])
    assert re.fullmatch(r"b +120x90 +3 +uint8 +100% +66\.7% +train", said[2])
    assert re.fullmatch(r"c +120x90 +3 +uint8 +0% +train", said[3])
    assert said[-1].endswith("6 scenes, 5 with ice; 0 findings that stop a training, 0 to look at")
    assert sorted(path.name for path in folder.iterdir()) == ["gt", "ignore", "image", "train.csv", "val.csv"]


def test_report_that_cannot_be_written_is_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    assert main([str(folder), "--report", str(tmp_path / "file")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "file: cannot be written" in error


@pytest.mark.parametrize("arguments", [[], ["--no"], ["absent"]])
def test_wrong_call_is_one_line_and_exit_2(
    tmp_path: Path,
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_folder_without_scenes_is_exit_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (folder / "image").iterdir():
        path.unlink()
    assert main([str(folder)]) == 2
    assert "no .tif or .tiff file" in capsys.readouterr().err
