"""The scenes that a run reads: which lists name them, and what is wrong with them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from tests.helpers.offline.blobs import write_scene
from tests.helpers.offline.training import TINY, arguments, history, resume, train
from train_offline.commands.train import main
from train_offline.training import checkpoint
from train_offline.training.config.settings import TrainSettings
from train_offline.training.inputs import read_data


def settings_for(folders: Path, val: str, fold: int) -> TrainSettings:
    data = ((folders / "data", 1.0),)
    return TrainSettings.of({"run": folders, "data": data, "val": (folders / val,), "fold": fold})


def test_a_fold_uses_its_own_lists(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["--data", folders / "data", "--val", folders / "data", "--run", folders / "run", *TINY.split()]
    line = [*map(str, line), "--steps", "1", "--no-tensorboard", "--fold", "1"]
    assert main(line) == 2
    assert "fold 1: no train-1.csv in" in capsys.readouterr().err
    rows = [f"image/{n}.tif,gt/{n}.png\n" for n in range(3)]
    lists = {"train": rows[:2], "val": rows[2:], "train-1": rows[1:], "val-1": rows[:1]}
    for name, listed in lists.items():
        (folders / "data" / f"{name}.csv").write_text("image,label\n" + "".join(listed))
    other = folders / "held out"
    (other / "val-0.csv").write_text("image,label\n" + rows[0])
    (other / "val.csv").write_text("image,label\n" + rows[0])
    assert main([*line, "--val", str(other)]) == 2, "it has folds, but not this one"
    assert "val-0.csv: is there, but no val-1.csv; there are val-0.csv, val.csv" in capsys.readouterr().err
    assert main(line) == 0
    settings = settings_for(folders, "data", fold=1)
    read = read_data(settings, None)
    assert [[scene.name for scene in side[0].scenes] for side in (read.train, read.val)] == [
        ["1", "2"],
        ["0"],
    ]
    assert read.facts["val"] == checkpoint.load(folders / "run" / "last.pt").facts["val"]


def test_a_folder_without_folds_goes_with_one_that_has_them(folders: Path) -> None:
    """Drawn scenes to train on, and the embedded split to score, beside a folder that was split in folds."""
    row = "image,label\nimage/{0}.tif,gt/{0}.png\n"
    (folders / "data" / "train-0.csv").write_text(row.format(1) + row.format(2).partition("\n")[2])
    (folders / "data" / "val-0.csv").write_text(row.format(0))
    (folders / "held out" / "val.csv").write_text(row.format(2))
    settings = settings_for(folders, "held out", fold=0)
    read = read_data(settings, None)
    assert [scene.name for source in read.train for scene in source.scenes] == ["1", "2"]
    assert [scene.name for source in read.val for scene in source.scenes] == ["2"]


def test_changed_data_is_said_when_a_run_is_resumed(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(folders, "run", "--steps", 1, "--no-tensorboard") == 0
    assert "the scenes are not those" not in capsys.readouterr().out
    write_scene(folders / "data", "1", 99)
    assert resume(folders / "run", "--steps", "2") == 0
    assert "the scenes are not those" in capsys.readouterr().out


def test_two_folders_of_one_name_keep_their_scores_apart(folders: Path) -> None:
    (folders / "a").mkdir()
    (folders / "held out").rename(folders / "a" / "val")
    write_scene(folders / "b" / "val", "x", 60)
    given = ["--data", folders / "data", "--val", folders / "a" / "val", "--val", folders / "b" / "val"]
    line = [
        *map(str, given),
        "--run",
        str(folders / "run"),
        *TINY.split(),
        "--steps",
        "1",
        "--no-tensorboard",
    ]
    assert main(line) == 0
    assert {"a/val/fwiou", "b/val/fwiou"} <= set(history(folders / "run")[0])


def empty_masks(folders):
    for path in (folders / "data" / "gt").iterdir():
        cv2.imwrite(str(path), np.zeros((96, 80), np.uint8))
    return "no pixel of ice"


def one_scene(folders):
    for number in (1, 2):
        (folders / "data" / "image" / f"{number}.tif").unlink()
        (folders / "data" / "gt" / f"{number}.png").unlink()
    return "one scene only"


def other_size(folders):
    cv2.imwrite(str(folders / "data" / "gt" / "1.png"), np.zeros((9, 9), np.uint8))
    return "1.png"


def empty_folder(folders):
    for path in (folders / "data" / "image").iterdir():
        path.unlink()
    return str(folders / "data" / "image")


@pytest.mark.parametrize("spoil", [empty_masks, one_scene, other_size, empty_folder])
def test_data_that_cannot_be_learned_from_is_one_line_before_training(
    folders: Path, spoil, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = spoil(folders)
    assert train(folders, "run", "--steps", 1) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line
    assert not list((folders / "run").glob("*"))


def test_a_tile_of_a_scene_to_score_is_warned_of(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As of tiles that were split apart from the scenes that they were cut from."""
    assert train(folders, "apart", "--steps", 1, "--no-tensorboard") == 0
    assert "no fair score" not in capsys.readouterr().out, "the same names, other pixels"
    image = tifffile.imread(folders / "held out" / "image" / "0.tif")
    mask = cv2.imread(str(folders / "held out" / "gt" / "0.png"), cv2.IMREAD_GRAYSCALE)
    tifffile.imwrite(folders / "data" / "image" / "0_3.tif", image[5:40, 7:50], photometric="rgb")
    cv2.imwrite(str(folders / "data" / "gt" / "0_3.png"), mask[5:40, 7:50])
    assert train(folders, "leaking", "--steps", 1, "--no-tensorboard") == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "no fair score" in line]
    assert f"image/0.tif and {folders / 'data' / 'image' / '0_3.tif'} for one" in line


def test_broken_scene_is_named_before_anything_is_trained(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (labelled / "image" / "2.tif").write_bytes(b"not a scene")
    assert main(arguments(labelled, tmp_path / "run", "--steps", 2)) == 2
    error = capsys.readouterr().err
    assert "2.tif: cannot be read" in error
    assert error.count("\n") == 1


def test_weight_follows_the_folder_and_a_colon(labelled: Path, tmp_path: Path) -> None:
    odd = labelled.parent / "a:1"
    os.rename(labelled, odd)
    for number in (1, 2):
        write_scene(tmp_path / "other", str(number), 30 + number)
    more = ("--steps", 1)
    assert main(["--data", f"{tmp_path / 'other'}:0.25", *arguments(odd, tmp_path / "run", *more)]) == 0
    stored = json.loads((tmp_path / "run" / "settings.json").read_text())["data"]
    assert stored == [[str(tmp_path / "other"), 0.25], [str(odd), 1.0]]
