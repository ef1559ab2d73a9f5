"""Faults to plant in a folder in order as a whole, or in its lists: each returns what must be found."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from tests.helpers.offline.checked import Fault, texture
from tests.helpers.offline.data_folder import write_list, write_mask
from tests.helpers.support import write_tiff


def unlist(folder: Path) -> None:
    for name in ("train.csv", "val.csv"):
        (folder / name).unlink()


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
    return ("val.csv", "1 of its scenes to score look like scenes to train on: image/e.tif and", False)


def on_both_lists(folder: Path) -> Fault:
    write_list(folder, "val.csv", "def")
    return ("val.csv", "shares image/d.tif with train.csv", True)


def listed_but_absent(folder: Path) -> Fault:
    write_list(folder, "val.csv", "efz")
    return ("val.csv", "line 4 lists gt/z.png, which does not exist", True)


def listed_twice(folder: Path) -> Fault:
    write_list(folder, "train.csv", "abcda")
    return ("train.csv", "lists image/a.tif 2 times", False)


def list_with_another_header(folder: Path) -> Fault:
    (folder / "train.csv").write_text("file,mask\nimage/a.tif,gt/a.png\n")
    return ("train.csv", "the first line must be `image,label`", True)


def one_list_only(folder: Path) -> Fault:
    (folder / "train.csv").unlink()
    return ("val.csv", "is there, but no train.csv", True)


def unlisted(folder: Path) -> Fault:
    write_list(folder, "train.csv", "ab")
    return ("train.csv", "2 of 6 scenes are on neither list, c.tif for one", False)


def no_ice(folder: Path) -> Fault:
    for path in (folder / "gt").iterdir():
        write_mask(path, np.zeros((90, 120), np.uint8))
    unlist(folder)
    return ("gt", "no pixel of ice that counts in any of the 6 masks", True)


def only_ice(folder: Path) -> Fault:
    for path in (folder / "gt").iterdir():
        write_mask(path, np.full((90, 120), 255, np.uint8))
    (folder / "ignore" / "b.png").unlink()
    unlist(folder)
    return ("gt", "no pixel of background that counts in any of the 6 masks", True)


def one_scene_only(folder: Path) -> Fault:
    for name in "bcdef":
        (folder / "image" / f"{name}.tif").unlink()
        (folder / "gt" / f"{name}.png").unlink()
    (folder / "ignore" / "b.png").unlink()
    unlist(folder)
    return ("image", "one scene only to train on (a)", True)


ALONE = [
    mask_without_scene, ignore_without_scene, scene_that_is_no_tiff, mask_that_is_no_png, seen_twice,
    on_both_lists, listed_twice, one_list_only, unlisted, no_ice, only_ice, one_scene_only,
]  # fmt: skip
FAULTS = [*ALONE, listed_but_absent, list_with_another_header]
