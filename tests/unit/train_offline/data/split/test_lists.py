"""The lists of folds, which replace those of earlier ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from infer.errors import FileError
from tests.helpers.offline.splittable import make_folder, rows
from train_offline.commands.split import main
from train_offline.data.folder import pairs_in
from train_offline.data.split.groups import scene_of
from train_offline.data.split.lists import lists_of, write_lists


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """20 scenes in 38 files."""
    return make_folder(tmp_path)


def test_each_scene_is_held_out_by_one_fold(folder: Path) -> None:
    assert main([str(folder), "--folds", "3"]) == 0
    folds = [rows(folder / f"val-{fold}.csv") for fold in range(3)]
    assert sorted(row for fold in folds for row in fold) == sorted(rows(folder / "train.csv") + folds[0])
    assert rows(folder / "val.csv") == folds[0]
    for fold in range(3):
        train = rows(folder / f"train-{fold}.csv")
        assert not set(train) & set(folds[fold])
        assert len(train) + len(folds[fold]) == 38
        scenes = {scene_of(Path(image).stem) for image, _ in folds[fold]}
        assert 6 <= len(scenes) <= 7
        assert not scenes & {scene_of(Path(image).stem) for image, _ in train}


def test_lists_of_earlier_folds_do_not_stay(folder: Path) -> None:
    (folder / "val-notes.csv").write_text("mine")
    assert main([str(folder), "--folds", "4"]) == 0
    assert main([str(folder), "--folds", "2"]) == 0
    lists = {path.name for path in folder.glob("*.csv")}
    assert lists == {f"{side}{fold}.csv" for side in ("train", "val") for fold in ("", "-0", "-1")} | {
        "val-notes.csv"
    }
    assert main([str(folder)]) == 0
    assert {path.name for path in folder.glob("*.csv")} == {"train.csv", "val.csv", "val-notes.csv"}


@pytest.mark.parametrize("in_the_way", ["train.csv", "val.csv"])
def test_where_one_list_cannot_be_written_those_after_it_are_not(folder: Path, in_the_way: str) -> None:
    (folder / in_the_way).mkdir()
    with pytest.raises(FileError, match="cannot be written") as caught:
        write_lists(folder, lists_of(pairs_in(folder), [[0]]))
    assert caught.value.path == folder / in_the_way
    assert not list(folder.glob(".*")), "nothing half written is left"
    assert not (folder / "val.csv").is_file()


def test_lists_made_by_hand_are_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = {"train.csv": "image,label\nmine\n", "val.csv": "image,label\nmine too\n", "val-7.csv": "and this"}
    for name, text in made.items():
        (folder / name).write_text(text)
    assert main([str(folder)]) == 0
    assert f"{folder / 'lists.1'}: the lists that were there before" in capsys.readouterr().out
    assert {path.name: path.read_text() for path in (folder / "lists.1").iterdir()} == made
    assert main([str(folder)]) == 0
    assert not (folder / "lists.2").exists(), "the same lists again"
    first = (folder / "train.csv").read_bytes()
    assert main([str(folder), "--seed", "5"]) == 0
    assert (folder / "lists.2" / "train.csv").read_bytes() == first
