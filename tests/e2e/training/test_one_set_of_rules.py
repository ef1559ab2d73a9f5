"""Whatever is wrong with a data folder: `check` ends with 1 exactly where `train` on it refuses to start."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.offline import scene_faults
from tests.helpers.offline.checked import make_folder
from tests.helpers.offline.data_folder import write_list, write_mask
from tests.helpers.offline.folder_faults import FAULTS
from tests.helpers.support import SHARED, shared
from train_offline.commands import check, train

REPORTED = sorted(path.parent for path in (SHARED / "data" / "reported_truths").glob("**/image"))
SHORT = (
    "--arch Unet --encoder resnet18 --crop 32 --batch 2 --steps 1 --epoch-crops 2 --workers 0 --device cpu"
)

Spoil = Callable[[Path], object]


def hand_made(
    folder: Path, train_rows: str, val_rows: str = "image/e.tif,gt/e.png\nimage/f.tif,gt/f.png\n"
) -> None:
    (folder / "train.csv").write_text("image,label\n" + train_rows)
    (folder / "val.csv").write_text("image,label\n" + val_rows)


def one_scene_to_train_on(folder: Path) -> None:
    write_list(folder, "train.csv", "a")


def no_ice_on_the_list(folder: Path) -> None:
    for name in "abcd":
        write_mask(folder / "gt" / f"{name}.png", np.zeros((90, 120), np.uint8))


def absolute_path_on_the_other_list(folder: Path) -> None:
    hand_made(folder, "image/a.tif,gt/a.png\nimage/b.tif,gt/b.png\n", f"{folder / 'image/a.tif'},gt/a.png\n")


def masks_moved_by_a_row(folder: Path) -> None:
    hand_made(folder, "image/a.tif,gt/b.png\nimage/b.tif,gt/c.png\nimage/c.tif,gt/a.png\n")


def a_mask_of_another_scenes_size(folder: Path) -> None:
    write_mask(folder / "gt" / "z.png", np.full((9, 9), 255, np.uint8))
    hand_made(folder, "image/a.tif,gt/z.png\nimage/b.tif,gt/b.png\n")


def all_to_score_ignored(folder: Path) -> None:
    for name in "ef":
        write_mask(folder / "ignore" / f"{name}.png", np.full((90, 120), 255, np.uint8))


def no_ice_to_score(folder: Path) -> None:
    for name in "ef":
        write_mask(folder / "gt" / f"{name}.png", np.zeros((90, 120), np.uint8))


def masks_of_other_names(folder: Path) -> None:
    (folder / "gt").rename(folder / "label")
    for path in (folder / "label").iterdir():
        path.rename(path.with_stem(f"{path.stem}_mask"))
    rows = [f"image/{name}.tif,label/{name}_mask.png\n" for name in "abcdef"]
    hand_made(folder, "".join(rows[:4]), "".join(rows[4:]))


def masks_in_another_folder(folder: Path) -> None:
    (folder / "gt").rename(folder / "masks")


def no_lists_and_masks_in_another_folder(folder: Path) -> None:
    masks_in_another_folder(folder)
    for name in ("train.csv", "val.csv"):
        (folder / name).unlink()


def scenes_of_another_folder(folder: Path) -> None:
    (folder / "image").rename(folder / "scenes")
    rows = [f"scenes/{name}.tif,gt/{name}.png\n" for name in "abcdef"]
    hand_made(folder, "".join(rows[:4]), "".join(rows[4:]))


def unlisted_scene_without_mask(folder: Path) -> None:
    (folder / "gt" / "d.png").unlink()
    write_list(folder, "train.csv", "abc")


def unlisted_scene_broken(folder: Path) -> None:
    (folder / "image" / "d.tif").write_bytes(b"II*\0nonsense")
    write_list(folder, "train.csv", "abc")


def dates_in_names(folder: Path) -> None:
    for name in ("train.csv", "val.csv"):
        (folder / name).unlink()
    for path in [*(folder / "image").iterdir(), *(folder / "gt").iterdir(), *(folder / "ignore").iterdir()]:
        path.rename(path.with_stem(f"bohai_2021010{'abcdef'.index(path.stem)}"))


def tiles_of_one_scene(folder: Path) -> None:
    for name in ("train.csv", "val.csv"):
        (folder / name).unlink()
    for path in [*(folder / "image").iterdir(), *(folder / "gt").iterdir(), *(folder / "ignore").iterdir()]:
        path.rename(path.with_stem(f"s_{'abcdef'.index(path.stem)}"))


def a_list_that_is_a_folder(folder: Path) -> None:
    (folder / "train.csv").unlink()
    (folder / "train.csv").mkdir()


def a_row_too_long(folder: Path) -> None:
    hand_made(folder, "image/a.tif,gt/a.png,\nimage/b.tif,gt/b.png\n")


def two_scenes_of_one_name_to_score(folder: Path) -> None:
    shutil.copytree(folder / "image", folder / "more")
    hand_made(
        folder, "image/a.tif,gt/a.png\nimage/b.tif,gt/b.png\n", "image/e.tif,gt/e.png\nmore/e.tif,gt/e.png\n"
    )


def a_scene_again_by_another_path(folder: Path) -> None:
    twice = "image/e.tif,gt/e.png\nimage/../image/e.tif,gt/../gt/e.png\nimage/f.tif,gt/f.png\n"
    hand_made(folder, f"image/a.tif,gt/a.png\n{folder / 'image' / 'b.tif'},gt/b.png\n", twice)


def a_scene_with_two_masks(folder: Path) -> None:
    shutil.copy(folder / "gt" / "a.png", folder / "gt" / "a_label.png")
    hand_made(folder, "image/a.tif,gt/a.png\nimage/a.tif,gt/a_label.png\nimage/b.tif,gt/b.png\n")


def lists_of_folds_only(folder: Path) -> None:
    for side in ("train", "val"):
        (folder / f"{side}.csv").rename(folder / f"{side}-0.csv")


def a_name_that_is_no_utf_8(folder: Path) -> None:
    for part, suffix in (("image", "tif"), ("gt", "png")):
        os.rename(folder / part / f"d.{suffix}", os.fsencode(folder / part) + b"/d\xff." + suffix.encode())
    write_list(folder, "train.csv", "abc")


def a_name_that_is_no_utf_8_without_lists(folder: Path) -> None:
    a_name_that_is_no_utf_8(folder)
    for name in ("train.csv", "val.csv"):
        (folder / name).unlink()


def a_scene_that_is_a_link_to_itself(folder: Path) -> None:
    (folder / "image" / "d.tif").unlink()
    (folder / "image" / "d.tif").symlink_to("d.tif")


def a_mask_that_is_a_link_to_itself(folder: Path) -> None:
    (folder / "gt" / "d.png").unlink()
    (folder / "gt" / "d.png").symlink_to("d.png")


def a_mask_as_a_scene(folder: Path) -> None:
    hand_made(folder, "image/a.tif,gt/a.png\ngt/b.png,gt/b.png\nimage/c.tif,gt/c.png\n")


def a_scene_as_its_own_mask(folder: Path) -> None:
    hand_made(folder, "image/a.tif,gt/a.png\nimage/b.tif,image/b.tif\nimage/c.tif,gt/c.png\n")


def ignore_that_leads_nowhere(folder: Path) -> None:
    (folder / "ignore" / "a.png").symlink_to("gone.png")


def ignore_that_is_a_folder(folder: Path) -> None:
    (folder / "ignore" / "a.png").mkdir()


def a_scene_that_is_a_folder(folder: Path) -> None:
    (folder / "image" / "g.tif").mkdir()
    shutil.copy(folder / "gt" / "a.png", folder / "gt" / "g.png")


def folds_with_a_nought_in_front(folder: Path) -> None:
    for side in ("train", "val"):
        shutil.copy(folder / f"{side}.csv", folder / f"{side}-07.csv")


OF_LISTS = [
    a_name_that_is_no_utf_8, a_name_that_is_no_utf_8_without_lists, a_scene_that_is_a_link_to_itself,
    a_mask_that_is_a_link_to_itself, a_mask_as_a_scene, a_scene_as_its_own_mask, ignore_that_leads_nowhere,
    ignore_that_is_a_folder, a_scene_that_is_a_folder, folds_with_a_nought_in_front,
    a_scene_again_by_another_path, a_scene_with_two_masks, lists_of_folds_only,
    one_scene_to_train_on, no_ice_on_the_list, absolute_path_on_the_other_list, masks_moved_by_a_row,
    a_mask_of_another_scenes_size, all_to_score_ignored, no_ice_to_score, masks_of_other_names,
    masks_in_another_folder, no_lists_and_masks_in_another_folder, scenes_of_another_folder,
    unlisted_scene_without_mask, unlisted_scene_broken, dates_in_names, tiles_of_one_scene,
    a_list_that_is_a_folder, a_row_too_long, two_scenes_of_one_name_to_score,
]  # fmt: skip
OF_SCENES = [getattr(scene_faults, name) for name in scene_faults.__all__]


def assert_agreed(folder: Path, work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        checked = check.main([str(folder)])
    finally:
        found = capsys.readouterr()
    where = [
        "--data",
        str(folder),
        "--val",
        str(folder),
        "--run",
        str(work / "run"),
        "--cache",
        str(work / "kept"),
    ]
    trained = train.main([*where, *SHORT.split(), "--no-tensorboard"])
    said = capsys.readouterr()
    assert (checked, trained) in ((0, 0), (1, 2)), f"check {checked}: {found}\ntrain {trained}: {said}"
    assert said.err.count("\n") == (trained == 2), said.err


@pytest.mark.parametrize("spoil", [*OF_SCENES, *FAULTS, *OF_LISTS])
def test_check_and_train_agree(spoil: Spoil, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_folder(tmp_path / "data")
    spoil(folder)
    assert_agreed(folder, tmp_path, capsys)


@pytest.mark.parametrize("folder", REPORTED or [None], ids=lambda path: path and path.name)
def test_check_and_train_agree_on_reported_folders(
    folder: Path | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared("data/reported_truths")
    assert folder
    assert_agreed(folder, tmp_path, capsys)
