"""Which scenes a data folder holds, and what a labelled scene is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from infer.errors import FileError
from tests.helpers.offline.data_folder import mask_of, noise, write_labelled
from train_offline.data.folder import IGNORED, list_name, listed_pairs, pairs_in, read_labelled


def test_scene_is_read_as_rgb_with_ignored_pixels(two_scenes: Path) -> None:
    first, second = (read_labelled(pair) for pair in pairs_in(two_scenes))
    np.testing.assert_array_equal(first.image, noise(1, 20, 30, 4)[..., :3])
    ignored = noise(3, 20, 30) > 200
    np.testing.assert_array_equal(first.label, np.where(ignored, IGNORED, noise(2, 20, 30) > 99))
    assert second.name == "b.c"
    np.testing.assert_array_equal(second.label, noise(2, 20, 30) > 99)


@pytest.mark.parametrize("marked_by", ["alpha", "nodata", "NaN"])
def test_pixels_without_data_are_ignored(tmp_path: Path, marked_by: str) -> None:
    without = noise(6, 20, 30) > 180
    image, form = noise(5, 20, 30, 3), {}
    if marked_by == "alpha":
        image, form = np.dstack([image, mask_of(~without)]), {"extrasamples": ["unassalpha"]}
    elif marked_by == "nodata":
        image[without], form = 0, {"extratags": [(42113, "s", 0, "0", True)]}
    else:
        image = image.astype(np.float32)
        image[without] = np.nan
    ice, ignore = noise(7, 20, 30) > 99, noise(8, 20, 30) > 230
    write_labelled(tmp_path, "s", image, mask_of(ice), mask_of(ignore), **form)
    label = read_labelled(pairs_in(tmp_path)[0]).label
    assert label.dtype == np.uint8
    np.testing.assert_array_equal(label, np.where(without | ignore, IGNORED, ice))


def test_black_pixels_of_a_scene_that_does_not_say_so_are_labelled(tmp_path: Path) -> None:
    ice = noise(7, 20, 30) > 99
    write_labelled(tmp_path, "s", np.zeros((20, 30, 3), np.uint8), mask_of(ice))
    np.testing.assert_array_equal(read_labelled(pairs_in(tmp_path)[0]).label, ice)


def test_masks_of_a_turned_scene_are_upright(tmp_path: Path) -> None:
    stored, ice = noise(5, 20, 30, 3), noise(7, 30, 20) > 99
    write_labelled(tmp_path, "s", stored, mask_of(ice), extratags=[(274, "H", 1, 6, True)])
    scene = read_labelled(pairs_in(tmp_path)[0])
    np.testing.assert_array_equal(scene.image, np.rot90(stored, -1))
    np.testing.assert_array_equal(scene.label, ice)


def test_lists_choose_the_scenes(two_scenes: Path) -> None:
    (two_scenes / "val.csv").write_text("image,label\nimage/b.c.tif,gt/b.c.png\n")
    assert [pair.name for pair in listed_pairs(two_scenes, "val.csv")] == ["b.c"]
    with pytest.raises(FileError, match=r"val\.csv: is there, but no train\.csv"):
        listed_pairs(two_scenes, "train.csv")
    (two_scenes / "val.csv").unlink()
    assert [pair.name for pair in listed_pairs(two_scenes, "train.csv")] == ["a", "b.c"]


def test_names_of_lists() -> None:
    assert (list_name("train"), list_name("val", 3)) == ("train.csv", "val-3.csv")
