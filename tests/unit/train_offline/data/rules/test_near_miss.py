"""A file or folder that nearly has the name that is looked for is named where that is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from infer.errors import FileError
from tests.helpers.offline.checked import found
from train_offline.data.folder import listed_pairs, pairs_in, scene_files
from train_offline.data.near_miss import bare, file_near, list_near


@pytest.fixture
def unlisted(folder: Path) -> Path:
    for name in ("train.csv", "val.csv"):
        (folder / name).unlink()
    return folder


@pytest.mark.parametrize(
    "name", ["x", "X", "x_mask", "mask_x", "x-label", "x.gt", "x_truth", "img_x", "x_segmentation", "Masks_X"]
)
def test_words_that_tell_a_mask_from_a_scene_are_no_part_of_its_name(name: str) -> None:
    assert bare(name) == "x"


def test_a_name_of_nothing_else_stays() -> None:
    assert bare("mask") == "mask"
    assert bare("scene_3") != bare("scene_4")


@pytest.mark.parametrize(
    "near", ["gt/a.PNG", "gt/a_mask.png", "gt/A.png", "gt/a.tif", "masks/a.png", "label/a_label.png"]
)
def test_the_mask_that_is_likely_meant_is_named(unlisted: Path, near: str) -> None:
    (unlisted / near).parent.mkdir(exist_ok=True)
    (unlisted / "gt" / "a.png").rename(unlisted / near)
    with pytest.raises(FileError, match=rf"gt/a\.png: no such file; {near} is there: put it at gt/a\.png"):
        pairs_in(unlisted)
    (finding,) = [one for one in found(unlisted) if one[0] == "gt/a.png"]
    assert finding[2]


def test_nothing_is_suggested_where_nothing_is_near(unlisted: Path) -> None:
    (unlisted / "gt" / "a.png").rename(unlisted / "gt" / "z.png")
    with pytest.raises(FileError, match="every scene needs a mask"):
        pairs_in(unlisted)
    assert file_near(unlisted / "nowhere" / "gt" / "a.png") is None


def test_a_folder_of_another_name_is_named(unlisted: Path) -> None:
    (unlisted / "image").rename(unlisted / "images")
    with pytest.raises(FileError, match="image: no such folder; images/ is there: rename it to image"):
        scene_files(unlisted)
    (unlisted / "images").rename(unlisted / "Image")
    with pytest.raises(FileError, match="Image/ is there"):
        scene_files(unlisted)
    for path in (unlisted / "Image").iterdir():
        path.rename(unlisted / path.name)
    (unlisted / "Image").rmdir()
    with pytest.raises(FileError, match="scenes lie beside it"):
        scene_files(unlisted)


def test_a_row_whose_file_is_near_is_named_by_its_line(folder: Path) -> None:
    (folder / "val.csv").write_text("image,label\nimage/e.tif,gt/e.png\nimage/f.tif,gt/f_mask.png\n")
    reason = r"val\.csv: line 3 lists gt/f_mask\.png, which does not exist; gt/f\.png is there, is it meant\?"
    with pytest.raises(FileError, match=reason):
        listed_pairs(folder, "val.csv")


@pytest.mark.parametrize(
    ("name", "read"), [("Train.csv", "train.csv"), ("valid.csv", "val.csv"), ("val.txt", "val.csv")]
)
def test_a_list_of_another_name_is_named(folder: Path, name: str, read: str) -> None:
    (folder / read).rename(folder / name)
    assert list_near(folder, read) == folder / name
    findings = found(folder)
    assert (name, f"is not read as a list, only {read} is", False) in findings
    with pytest.raises(FileError, match=f"but no {read}; rename {name} to it"):
        listed_pairs(folder, read)


def test_paths_of_windows_are_named(folder: Path) -> None:
    (folder / "val.csv").write_text("image,label\nimage\\e.tif,gt\\e.png\n")
    with pytest.raises(FileError, match=r"line 2 lists image\\e\.tif, .*; write / in place of"):
        listed_pairs(folder, "val.csv")
