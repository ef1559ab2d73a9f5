"""Every fault that is planted in a folder as a whole, or in its lists, is found, with its fix."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.offline.checked import Fault, Spoil, assert_only_finding, found, texture
from tests.helpers.offline.data_folder import write_list, write_mask
from tests.helpers.support import write_tiff


def mask_without_scene(folder: Path) -> Fault:
    shutil.copy(folder / "gt" / "a.png", folder / "gt" / "g.png")
    return ("gt/g.png", "no scene image/g.tif", False)


def ignore_without_scene(folder: Path) -> Fault:
    shutil.copy(folder / "ignore" / "b.png", folder / "ignore" / "g.png")
    return ("ignore/g.png", "no scene image/g.tif", False)


def scene_that_is_no_tiff(folder: Path) -> Fault:
    write_mask(folder / "image" / "photo.jpg", texture(9))
    return ("image/photo.jpg", "is not read", False)


def mask_that_is_no_png(folder: Path) -> Fault:
    shutil.copy(folder / "gt" / "a.png", folder / "gt" / "a.PNG")
    return ("gt/a.PNG", "is not read", False)


def seen_twice(folder: Path) -> Fault:
    write_tiff(folder / "image" / "e.tif", (texture(0) * 0.8 + 20).astype(np.uint8))
    return ("image/a.tif", "looks like image/e.tif, and train.csv and val.csv part them", False)


def on_both_lists(folder: Path) -> Fault:
    write_list(folder, "val.csv", "def")
    return ("val.csv", "shares image/d.tif with train.csv", True)


def listed_but_absent(folder: Path) -> Fault:
    write_list(folder, "val.csv", "efz")
    return ("val.csv", "lists gt/z.png, which does not exist", True)


def listed_twice(folder: Path) -> Fault:
    write_list(folder, "train.csv", "abcda")
    return ("train.csv", "lists image/a.tif 2 times", False)


def list_with_another_header(folder: Path) -> Fault:
    (folder / "train.csv").write_text("file,mask\nimage/a.tif,gt/a.png\n")
    return ("train.csv", "the first line must be `image,label`", True)


def one_list_only(folder: Path) -> Fault:
    (folder / "train.csv").unlink()
    return ("val.csv", "is there, but train.csv is not", False)


def unlisted(folder: Path) -> Fault:
    write_list(folder, "train.csv", "ab")
    return ("train.csv", "2 of 6 scenes are on neither list, c.tif for one", False)


def no_ice(folder: Path) -> Fault:
    for path in (folder / "gt").iterdir():
        write_mask(path, np.zeros((90, 120), np.uint8))
    return ("gt", "no mask holds ice that counts", True)


def only_ice(folder: Path) -> Fault:
    for path in (folder / "gt").iterdir():
        write_mask(path, np.full((90, 120), 255, np.uint8))
    return ("gt", "every pixel that counts is ice", True)


def one_scene_only(folder: Path) -> Fault:
    for name in "bcdef":
        (folder / "image" / f"{name}.tif").unlink()
        (folder / "gt" / f"{name}.png").unlink()
    (folder / "ignore" / "b.png").unlink()
    for name in ("train.csv", "val.csv"):
        (folder / name).unlink()
    return ("image", "holds one scene only (a)", True)


ALONE = [
    mask_without_scene, ignore_without_scene, scene_that_is_no_tiff, mask_that_is_no_png, seen_twice,
    on_both_lists, listed_twice, one_list_only, unlisted, no_ice, only_ice, one_scene_only,
]  # fmt: skip


@pytest.mark.parametrize("spoil", ALONE)
def test_a_fault_is_the_only_finding(folder: Path, spoil: Spoil, capsys: pytest.CaptureFixture[str]) -> None:
    assert_only_finding(folder, spoil, capsys)


@pytest.mark.parametrize("spoil", [listed_but_absent, list_with_another_header])
def test_a_fault_of_a_list_is_among_the_findings(folder: Path, spoil: Spoil) -> None:
    file, what, stops = spoil(folder)
    assert any(one[0] == file and one[1].startswith(what) and one[2] == stops for one in found(folder))


def test_two_scenes_of_one_name(folder: Path) -> None:
    shutil.copy(folder / "image" / "b.tif", folder / "image" / "a.tiff")
    findings = found(folder)
    assert ("image/a", "2 files have this name and share one mask", True) in findings


def test_tiles_of_a_scene_on_both_lists_and_alike_on_one(folder: Path) -> None:
    for path in [*(folder / "image").iterdir(), *(folder / "gt").iterdir()]:
        path.rename(path.with_stem(f"s_{path.stem}".replace("s_a", "s_1").replace("s_e", "s_2")))
    write_tiff(folder / "image" / "s_2.tif", texture(0))  # like s_1, but a tile of the same scene
    (folder / "ignore" / "b.png").unlink()
    write_list(folder, "train.csv", ["s_1", "s_b", "s_c", "s_d"])
    write_list(folder, "val.csv", ["s_2", "s_f"])
    assert found(folder) == [
        ("val.csv", "holds tiles of scenes in train.csv, by their names: image/s_2.tif", False)
    ]


def test_alike_scenes_on_one_list_are_as_they_should_be(folder: Path) -> None:
    write_tiff(folder / "image" / "b.tif", texture(0))
    assert found(folder) == []
    for name in ("train.csv", "val.csv"):
        (folder / name).unlink()
    assert found(folder) == [("image/a.tif", "looks like image/b.tif", False)]
