"""Scenes to score that are trained on are found: by file, by the names of tiles, by pixels under any name."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.offline.checked import make_folder, texture
from tests.helpers.offline.data_folder import write_labelled, write_list
from tests.helpers.support import write_tiff
from train_offline.data.rules.apart import apart_by_name, apart_by_pixels
from train_offline.data.rules.finding import DataFinding, Side
from train_offline.data.rules.learnable import scorable
from train_offline.data.sources import load_sources, side_of


def by_name(train: list[Path], val: list[Path]) -> list[DataFinding]:
    return apart_by_name(
        [side_of(folder, "train.csv") for folder in train], [side_of(folder, "val.csv") for folder in val]
    )


def read(folder: Path, name: str) -> Side:
    kept = folder.parent / "kept"
    ((_, side),) = load_sources([side_of(folder, name)], [1.0], name, kept)
    return side


def by_pixels(train: Path, val: Path) -> list[DataFinding]:
    return apart_by_pixels([read(train, "train.csv")], [read(val, "val.csv")])


def renamed(folder: Path, output: Path) -> Path:
    """Copy a folder without its lists, every scene under another name."""
    for part, suffix in (("image", "tif"), ("gt", "png")):
        (output / part).mkdir(parents=True)
        for number, path in enumerate(sorted((folder / part).iterdir())):
            shutil.copy(path, output / part / f"test{number:03}x.{suffix}")
    return output


@pytest.fixture
def whole(folder: Path) -> Path:
    for name in ("train.csv", "val.csv"):
        (folder / name).unlink()
    return folder


def test_a_scene_on_both_lists_stops(folder: Path) -> None:
    write_list(folder, "val.csv", "def")
    (finding,) = by_name([folder], [folder])
    assert finding.stops
    assert str(finding).startswith(f"{folder / 'val.csv'}: shares image/d.tif with train.csv")


def test_a_scene_on_both_lists_by_another_path_stops(folder: Path) -> None:
    """An absolute path, a link to the folder."""
    rows = "image,label\n" + f"{folder / 'image' / 'd.tif'},gt/d.png\n"
    (folder / "val.csv").write_text(rows)
    assert [one.stops for one in by_name([folder], [folder])] == [True]
    link = folder.parent / "link"
    link.symlink_to(folder)
    (finding,) = by_name([folder], [link])
    assert finding.stops
    assert "d.tif with train.csv" in finding.what


def test_a_scene_that_two_folders_share_by_a_link_stops(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for part in ("image", "gt"):
        (other / part).symlink_to(folder / part)
    write_list(other, "val.csv", "de")
    (finding,) = by_name([folder], [other])
    assert finding.stops
    assert finding.what == f"shares image/d.tif with {folder / 'train.csv'}"


def test_tiles_of_one_scene_on_both_sides_are_told(folder: Path) -> None:
    for path in [*(folder / "image").iterdir(), *(folder / "gt").iterdir()]:
        path.rename(path.with_stem(f"s_{'abcdef'.index(path.stem)}"))
    write_list(folder, "train.csv", ["s_0", "s_1"])
    write_list(folder, "val.csv", ["s_2", "s_3"])
    (finding,) = by_name([folder], [folder])
    assert not finding.stops
    assert finding.what == "holds tiles of scenes to train on, by their names: image/s_2.tif, image/s_3.tif"


def test_dates_are_no_tiles(folder: Path) -> None:
    for path in [*(folder / "image").iterdir(), *(folder / "gt").iterdir()]:
        path.rename(path.with_stem(f"bohai_2021010{'abcdef'.index(path.stem)}"))
    write_list(folder, "train.csv", ["bohai_20210100", "bohai_20210101"])
    write_list(folder, "val.csv", ["bohai_20210102"])
    assert by_name([folder], [folder]) == []


def test_a_whole_folder_on_both_sides_is_told(whole: Path) -> None:
    (finding,) = by_name([whole], [whole])
    assert not finding.stops
    assert finding.what == "trains on 6 of the scenes it scores: no measure of accuracy"


def test_nothing_to_say(folder: Path, tmp_path: Path) -> None:
    make_folder(tmp_path / "other")
    assert by_name([folder], [tmp_path / "other"]) == []
    assert by_name([folder], []) == []
    assert by_name([folder], [folder]) == []
    assert by_pixels(folder, folder) == []


def test_renamed_scenes_are_found_by_their_pixels(folder: Path, tmp_path: Path) -> None:
    (finding,) = by_pixels(folder, renamed(folder, tmp_path / "renamed"))
    assert not finding.stops
    assert finding.what == (
        "4 of its scenes to score have the pixels of scenes to train on: image/test000x.tif and "
        f"{folder / 'image' / 'a.tif'} for one; no fair score"
    )


def test_scenes_that_look_alike_are_found(folder: Path, tmp_path: Path) -> None:
    """Such as one that was saved anew, a little brighter."""
    other = make_folder(tmp_path / "other")
    for seed, name in enumerate("abcdef"):
        image = texture(seed + 50 * (name != "e"))
        write_tiff(other / "image" / f"{name}.tif", image)
    write_tiff(other / "image" / "e.tif", (texture(0) * 0.8 + 20).astype(np.uint8))
    (finding,) = by_pixels(folder, other)
    assert finding.what.startswith("1 of its scenes to score look like scenes to train on: image/e.tif and")


def test_a_tile_of_a_scene_of_another_folder_is_found(folder: Path, tmp_path: Path) -> None:
    mask = np.zeros((40, 50), np.uint8)
    mask[:, :9] = 255
    write_labelled(tmp_path / "tiles", "a_3", texture(0)[20:60, 33:83], mask)
    write_labelled(tmp_path / "tiles", "x_1", texture(77, 40, 50), mask)
    (finding,) = by_pixels(folder, tmp_path / "tiles")
    assert finding.what.startswith("1 of its scenes to score are a part of scenes to train on")
    assert f"image/a_3.tif and {folder / 'image' / 'a.tif'}" in finding.what
    write_tiff(tmp_path / "tiles" / "image" / "a_3.tif", texture(5, 40, 50))
    assert by_pixels(folder, tmp_path / "tiles") == [], "other pixels under the same name"


def test_a_scene_that_is_scored_again_under_another_name_is_told(folder: Path) -> None:
    for part, suffix in (("image", "tif"), ("gt", "png")):
        shutil.copy(folder / part / f"e.{suffix}", folder / part / f"z.{suffix}")
    write_list(folder, "val.csv", "efz")
    (finding,) = scorable(read(folder, "val.csv"))
    assert finding.what.endswith("have the pixels of others to score, image/z.tif those of image/e.tif")
