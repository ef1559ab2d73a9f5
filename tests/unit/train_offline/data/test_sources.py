"""Reading a data folder for a training: a file that cannot be used is named in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from infer.errors import FileError, UsageError
from tests.helpers.offline.blobs import write_scene
from tests.helpers.offline.data_folder import write_mask
from train_offline.data.sources import load_sources, side_of


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "first line"),
        ("file,mask\nimage/a.tif,gt/a.png\n", "first line"),
        ("image,label\n", "each line"),
        ("image,label\nimage/a.tif\n", "each line"),
        ("image,label\nimage/z.tif,gt/a.png\n", "train.csv: line 2 lists image/z.tif, which does not exist"),
    ],
)
def test_bad_list_is_named(two_scenes: Path, content: str, reason: str) -> None:
    (two_scenes / "train.csv").write_text(content)
    with pytest.raises(UsageError, match=reason):
        load_sources([side_of(two_scenes, "train.csv")], [1.0], "train.csv", two_scenes / "cache")


def other_size(folder: Path) -> tuple[str, str]:
    write_mask(folder / "gt" / "a.png", np.full((30, 20), 9, np.uint8))
    return r"gt/a\.png: is 20x30 pixels, but its scene is 30x20", "size"


def broken_image(folder: Path) -> tuple[str, str]:
    (folder / "image" / "a.tif").write_bytes(b"II*\0nonsense")
    return r"image/a\.tif: cannot be read", "unreadable"


def cut_short(folder: Path) -> tuple[str, str]:
    path = folder / "image" / "a.tif"
    path.write_bytes(path.read_bytes()[:-900])
    return r"image/a\.tif: cannot be read", "unreadable"


def broken_mask(folder: Path) -> tuple[str, str]:
    (folder / "gt" / "a.png").write_bytes(b"nonsense")
    return r"gt/a\.png: cannot be read", "unreadable"


def wide_mask(folder: Path) -> tuple[str, str]:
    write_mask(folder / "gt" / "a.png", np.eye(20, 30, dtype=np.uint16))
    return r"gt/a\.png: holds uint16 pixels", "form"


@pytest.mark.parametrize("spoil", [other_size, broken_image, cut_short, broken_mask, wide_mask])
def test_unusable_file_is_named_in_one_line(
    two_scenes: Path, spoil: Callable[[Path], tuple[str, str]]
) -> None:
    reason, kind = spoil(two_scenes)
    with pytest.raises(FileError, match=reason) as caught:
        load_sources([side_of(two_scenes, "train.csv")], [1.0], "train.csv", two_scenes / "cache")
    assert "\n" not in str(caught.value)
    assert caught.value.kind == kind


def test_folders_are_named_by_as_much_of_their_paths_as_it_takes(tmp_path: Path) -> None:
    for parent in ("a", "b"):
        write_scene(tmp_path / parent / "tiles" / "val", "x", 60)
    for name in ("c/val", "held out"):
        write_scene(tmp_path / name, "x", 60)
    folders = [tmp_path / "a/tiles/val", tmp_path / "b/tiles/val", tmp_path / "c/val", tmp_path / "held out"]
    sides = [side_of(folder, "val.csv") for folder in folders]
    read = load_sources(sides, [1.0] * 4, "val.csv", tmp_path / "cache")
    assert [source.name for source, _ in read] == ["a/tiles/val", "b/tiles/val", "c/val", "held out"]
