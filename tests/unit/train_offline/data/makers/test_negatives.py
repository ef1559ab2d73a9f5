"""Scenes without ice as a data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.support import random_rgb, write_tiff
from train_offline.data.folder import pairs_in, read_labelled
from train_offline.data.makers.negatives import main


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    folder = tmp_path / "scenes"
    folder.mkdir()
    write_tiff(folder / "a.tif", random_rgb(40, 56))
    write_tiff(folder / "b.TIFF", random_rgb(32, 32, seed=1))
    return folder


def test_every_scene_gets_a_black_mask(scenes: Path, tmp_path: Path) -> None:
    output = tmp_path / "empty"
    assert main([str(scenes), "--output", str(output)]) == 0
    found = [read_labelled(pair) for pair in pairs_in(output)]
    assert [scene.image.shape[:2] for scene in found] == [(40, 56), (32, 32)]
    assert not any(scene.label.any() for scene in found)
    assert (output / "image" / "a.tif").read_bytes() == (scenes / "a.tif").read_bytes()


def test_mistakes_are_one_line_and_make_nothing(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "empty"
    (tmp_path / "none").mkdir()
    (scenes / "torn.tif").write_bytes(b"II*\0")
    for wrong, word in (("absent", "absent"), ("none", "no .tif"), ("scenes", "torn.tif")):
        assert main([str(tmp_path / wrong), "--output", str(output)]) == 2
        error = capsys.readouterr().err
        assert word in error
        assert error.count("\n") == 1
    assert not output.exists()
    assert main([str(scenes), str(scenes), "--output", str(output)]) == 2
    assert "same name" in capsys.readouterr().err


def test_held_out_scenes_are_in_val_csv_alone(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "empty"
    assert main([str(scenes), "--output", str(output), "--hold-out", "b"]) == 0
    assert (output / "train.csv").read_text() == "image,label\nimage/a.tif,gt/a.png\n"
    assert (output / "val.csv").read_text() == "image,label\nimage/b.TIFF,gt/b.png\n"
    capsys.readouterr()
    for second, word in (("x", "begins with 'x'"), ("a", "all of 2 scenes")):
        held_out = ["--hold-out", "b", "--hold-out", second]
        assert main([str(scenes), "--output", str(tmp_path / "other"), *held_out]) == 2
        assert word in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
