"""Faults to plant in a scene of a folder in order, or in its masks: each returns what must be found."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.helpers.offline.checked import Fault, texture
from tests.helpers.offline.data_folder import write_mask
from tests.helpers.support import write_tiff

__all__ = [
    "all_ignored",
    "broken_scene",
    "cut_short",
    "dead_column",
    "half_black",
    "ignore_of_another_size",
    "mask_broken",
    "mask_of_another_size",
    "mask_of_sixteen_bits",
    "no_mask",
    "one_value",
    "other_values",
    "other_values_in_ignore",
    "striped_rows",
]


def broken_scene(folder: Path) -> Fault:
    (folder / "image" / "a.tif").write_bytes(b"II*\0nonsense")
    return ("image/a.tif", "cannot be read", True)


def cut_short(folder: Path) -> Fault:
    path = folder / "image" / "a.tif"
    path.write_bytes(path.read_bytes()[:-2000])
    return ("image/a.tif", "cannot be read", True)


def no_mask(folder: Path) -> Fault:
    (folder / "gt" / "a.png").unlink()
    for name in ("train.csv", "val.csv"):
        (folder / name).unlink()
    return ("gt/a.png", "no such file", True)


def mask_of_another_size(folder: Path) -> Fault:
    write_mask(folder / "gt" / "a.png", np.full((120, 90), 255, np.uint8))
    return ("gt/a.png", "is 90x120 pixels, but its scene is 120x90", True)


def ignore_of_another_size(folder: Path) -> Fault:
    write_mask(folder / "ignore" / "a.png", np.full((9, 9), 255, np.uint8))
    return ("ignore/a.png", "is 9x9 pixels", True)


def mask_broken(folder: Path) -> Fault:
    (folder / "gt" / "a.png").write_bytes(b"nonsense")
    return ("gt/a.png", "cannot be read as an image", True)


def mask_of_sixteen_bits(folder: Path) -> Fault:
    write_mask(folder / "gt" / "a.png", np.eye(90, 120, dtype=np.uint16))
    return ("gt/a.png", "holds uint16 pixels", True)


def other_values(folder: Path) -> Fault:
    mask = np.zeros((90, 120), np.uint8)
    mask[0, :5], mask[1, :7], mask[2, :9] = 1, 128, 255
    write_mask(folder / "gt" / "a.png", mask)
    return ("gt/a.png", "holds 1, 128 beside 0 and 255, on 12 pixels; they count as ice", False)


def other_values_in_ignore(folder: Path) -> Fault:
    write_mask(folder / "ignore" / "a.png", np.eye(90, 120, dtype=np.uint8))
    return ("ignore/a.png", "holds 1 beside 0 and 255, on 90 pixels; they count as ignored", False)


def all_ignored(folder: Path) -> Fault:
    write_mask(folder / "ignore" / "a.png", np.full((90, 120), 255, np.uint8))
    return ("ignore/a.png", "leaves out every pixel", False)


def one_value(folder: Path) -> Fault:
    write_tiff(folder / "image" / "a.tif", np.full((90, 120, 3), (7, 8, 9), np.uint8))
    return ("image/a.tif", "has the value (7, 8, 9) on every pixel", False)


def half_black(folder: Path) -> Fault:
    image = texture(0)
    image[:45] = 0
    write_tiff(folder / "image" / "a.tif", image)
    what = "is black (no data) on 50% of its pixels, and its mask calls 1800 of them ice"
    return ("image/a.tif", what, False)


def striped_rows(folder: Path) -> Fault:
    image = texture(0)
    image[5::20] -= 30
    write_tiff(folder / "image" / "a.tif", image)
    return ("image/a.tif", "is striped: 5 odd rows (5, 25, 45 ..., 20 apart)", False)


def dead_column(folder: Path) -> Fault:
    image = texture(0)
    image[:, 77] = 0
    write_tiff(folder / "image" / "a.tif", image)
    return ("image/a.tif", "is striped: 1 odd column (77)", False)
