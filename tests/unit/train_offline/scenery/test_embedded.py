"""The embedded validation split: twenty scenes, drawn once, whole or not at all."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from infer.errors import FileError
from train_offline.scenery.batch import SceneOrder
from train_offline.scenery.embedded import (
    LIST,
    STAMP,
    VERSION,
    embedded_orders,
    embedded_split,
    write_embedded_split,
)

FEW = [SceneOrder("a", 1, 96, True), SceneOrder("b", 2, 64, False)]


def test_embedded_split_is_twenty_scenes_with_ice_at_every_size() -> None:
    orders = embedded_orders()
    assert Counter(order.size for order in orders) == {512: 14, 1024: 4, 2048: 2}
    assert Counter(order.size for order in orders if order.ice) == {512: 5, 1024: 2, 2048: 1}
    assert len({order.stem for order in orders}) == 20


def test_embedded_split_is_drawn_once_and_again_for_another_version(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "embedded"
    embedded_split(folder, 1, FEW)
    rows = list(csv.reader((folder / LIST).open()))
    assert rows == [["image", "label"], ["image/a.tif", "gt/a.png"], ["image/b.tif", "gt/b.png"]]
    assert all((folder / name).is_file() for row in rows[1:] for name in row)
    first = (folder / LIST).stat().st_mtime_ns
    embedded_split(folder, 1, FEW)
    assert (folder / LIST).stat().st_mtime_ns == first
    (folder / STAMP).write_text("0")
    (folder / "gt" / "a.png").unlink()
    embedded_split(folder, 1, FEW)
    assert (folder / "gt" / "a.png").is_file()
    assert (folder / STAMP).read_text().strip() == VERSION
    assert [path.name for path in folder.parent.iterdir()] == ["embedded"]


def test_failed_split_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sizes go from"):
        write_embedded_split(tmp_path / "split", 1, [*FEW, SceneOrder("c", 3, 9999, False)])
    assert list(tmp_path.iterdir()) == []


def test_split_does_not_touch_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FileError, match="move it away"):
        embedded_split(tmp_path, 1, FEW)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
