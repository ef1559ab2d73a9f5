"""A training that cannot work is refused before it starts, in one line that names the folder or the file."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from infer.errors import UsageError
from tests.helpers.offline.data_folder import write_list
from tests.helpers.support import random_rgb, write_tiff
from train_offline.data.folder import LabelledScene, listed_pairs, read_labelled
from train_offline.data.preflight import require_apart, require_different, require_scorable, require_trainable


def write_scene(folder: Path, name: str, mask: np.ndarray) -> None:
    for part in ("image", "gt", "ignore"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    write_tiff(folder / "image" / f"{name}.tif", random_rgb(*mask.shape))
    cv2.imwrite(str(folder / "gt" / f"{name}.png"), mask)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four scenes: one with ice on the left, three without."""
    for number in range(4):
        mask = np.zeros((20, 30), np.uint8)
        mask[:, : 10 * (number == 0)] = 255
        write_scene(tmp_path / "data", f"s_{number}", mask)
    return tmp_path / "data"


def scenes(folder: Path) -> list[LabelledScene]:
    return [read_labelled(pair) for pair in listed_pairs(folder, "train.csv")]


def refusal(folders: list[Path]) -> str:
    with pytest.raises(UsageError) as caught:
        require_trainable(folders, [scenes(folder) for folder in folders])
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_little_ice_is_enough(folder: Path) -> None:
    require_trainable([folder], [scenes(folder)])


def test_no_ice_anywhere(folder: Path) -> None:
    (folder / "image" / "s_0.tif").unlink()
    assert f"{folder / 'gt'}: no pixel of ice" in refusal([folder])


def test_ice_that_is_ignored_does_not_count(folder: Path) -> None:
    cv2.imwrite(str(folder / "ignore" / "s_0.png"), cv2.imread(str(folder / "gt" / "s_0.png"), 0))
    assert "no pixel of ice" in refusal([folder])


def test_nothing_but_ice(folder: Path, tmp_path: Path) -> None:
    for number in range(4):
        cv2.imwrite(str(folder / "gt" / f"s_{number}.png"), np.full((20, 30), 255, np.uint8))
    assert "no pixel of background" in refusal([folder])


def test_one_scene_only(folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    shutil.copytree(folder, alone)
    for number in range(1, 4):
        (alone / "image" / f"s_{number}.tif").unlink()
    assert f"{alone}: one scene only (s_0)" in refusal([alone])
    require_trainable([alone, folder], [scenes(alone), scenes(folder)])


def test_ice_in_one_of_two_folders_is_enough(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    shutil.copytree(folder, empty)
    (empty / "image" / "s_0.tif").unlink()
    require_trainable([empty, folder], [scenes(empty), scenes(folder)])
    assert f"{empty / 'gt'} and {empty / 'gt'}: no pixel of ice" in refusal([empty, empty])


def test_scenes_ignored_throughout_teach_nothing() -> None:
    blank = LabelledScene("a", np.ones((4, 4, 3), np.uint8), np.full((4, 4), 255, np.uint8))
    with pytest.raises(UsageError, match="no pixel of background"):
        require_trainable([Path("x")], [[blank, blank]])


def test_a_scene_on_both_lists_is_refused(folder: Path) -> None:
    write_list(folder, "train.csv", ["s_0", "s_1", "s_2"])
    write_list(folder, "val.csv", ["s_2", "s_3"])
    with pytest.raises(UsageError, match=r"val\.csv: lists s_2\.tif, which .*train\.csv lists too") as caught:
        require_apart([folder], [folder])
    assert "\n" not in str(caught.value)


def test_a_scene_that_two_folders_share_by_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for part in ("image", "gt"):
        (other / part).symlink_to(folder / part)
    write_list(folder, "train.csv", ["s_0", "s_1"])
    write_list(other, "val.csv", ["s_1", "s_2"])
    with pytest.raises(UsageError, match=r"lists s_1\.tif"):
        require_apart([folder], [other])


def test_tiles_of_one_scene_on_both_sides_are_warned_of(folder: Path) -> None:
    write_list(folder, "train.csv", ["s_0", "s_1"])
    write_list(folder, "val.csv", ["s_2", "s_3"])
    assert "s_2 of val.csv is a tile of a scene in train.csv" in require_apart([folder], [folder])[0]


def test_a_whole_folder_on_both_sides_is_warned_of(folder: Path) -> None:
    assert "trains on 4 of the scenes it scores" in require_apart([folder], [folder])[0]


def test_nothing_to_say(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    assert require_apart([folder], [other]) == []
    assert require_apart([folder], []) == []
    for number in range(4):
        (folder / "image" / f"s_{number}.tif").rename(folder / "image" / f"{number}.tif")
        (folder / "gt" / f"s_{number}.png").rename(folder / "gt" / f"{number}.png")
    (folder / "train.csv").write_text("image,label\nimage/0.tif,gt/0.png\n")
    (folder / "val.csv").write_text("image,label\nimage/1.tif,gt/1.png\n")
    assert require_apart([folder], [folder]) == []


def test_every_folder_is_warned_of_by_whatever_path_it_is_given(folder: Path, tmp_path: Path) -> None:
    link, other = tmp_path / "link", tmp_path / "other"
    shutil.copytree(folder, other)
    link.symlink_to(folder)
    write_list(folder, "train.csv", ["s_0", "s_1"])
    write_list(folder, "val.csv", ["s_2", "s_3"])
    tiles, whole = require_apart([folder, other], [link, other])
    assert "s_2 of val.csv is a tile" in tiles
    assert "trains on 4 of the scenes it scores" in whole


def test_a_folder_given_twice_is_refused(folder: Path, tmp_path: Path) -> None:
    require_different("data", [folder, tmp_path])
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(UsageError, match=r"^--val .*link: is given twice; give it once$"):
        require_different("val", [folder, tmp_path / "link"])
    with pytest.raises(UsageError, match=r"^--data .*give it once \(--data DIR:2 counts it double\)$"):
        require_different("data", [folder, folder])


def test_a_folder_with_nothing_to_score_is_refused(folder: Path) -> None:
    some, none = np.full((4, 4), 255, np.uint8), np.full((4, 4), 255, np.uint8)
    some[0, 0] = 0
    blank, scored = (LabelledScene("a", np.ones((4, 4, 3), np.uint8), label) for label in (none, some))
    require_scorable([folder], [[blank, scored]])
    with pytest.raises(UsageError, match="other: every pixel of its 2 scenes to score is ignored"):
        require_scorable([folder, Path("other")], [[scored], [blank, blank]])
