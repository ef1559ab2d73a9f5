"""`split` as a command: what cannot be split, and a wrong call, are one line and exit 2."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from tests.helpers.offline.splittable import make_folder, texture, write_pair
from train_offline.commands.split import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """20 scenes in 38 files."""
    return make_folder(tmp_path)


def remove_mask(folder: Path) -> str:
    (folder / "gt" / "7.png").unlink()
    return "7.png: no such file"


def leave_tiles_of_one_scene(folder: Path) -> str:
    for image in (folder / "image").iterdir():
        if not image.name.startswith("90_"):
            image.unlink()
    return "one scene only (90); names that end in _<number> are tiles of one scene unless --scene-name"


def leave_one_scene(folder: Path) -> str:
    for image in (folder / "image").iterdir():
        if image.name != "92.tif":
            image.unlink()
    return "one scene only (92)\n"


def remove_images(folder: Path) -> str:
    shutil.rmtree(folder / "image")
    return "image: no such folder"


def empty_images(folder: Path) -> str:
    remove_images(folder)
    (folder / "image").mkdir()
    return "no .tif or .tiff"


def name_twice(folder: Path) -> str:
    write_pair(folder, "5", ".TIF")
    write_pair(folder, "5.a")
    return "another scene has the name 5"


def break_scene(folder: Path) -> str:
    (folder / "image" / "3.tif").write_bytes(b"II*\0nonsense")
    return "3.tif: cannot be read"


def mask_of_another_size(folder: Path) -> str:
    cv2.imwrite(str(folder / "gt" / "4.png"), np.zeros((50, 40), np.uint8))
    return "4.png: is 40x50 pixels, but its scene is 50x40"


def all_alike(folder: Path) -> str:
    for path in (folder / "image").iterdir():
        tifffile.imwrite(path, texture("one"), photometric="rgb")
    return "its 20 scenes form 1 group(s) that look alike (0, 1, 10 ...)"


def list_in_the_way(folder: Path) -> str:
    (folder / "train.csv").mkdir()
    return "train.csv: cannot be written"


@pytest.mark.parametrize(
    "spoil",
    [remove_mask, leave_tiles_of_one_scene, leave_one_scene, remove_images, empty_images, name_twice,
     break_scene, mask_of_another_size, all_alike, list_in_the_way],
)  # fmt: skip
def test_bad_folder_is_one_line_that_names_it(
    folder: Path, spoil: Callable[[Path], str], capsys: pytest.CaptureFixture[str]
) -> None:
    reason = spoil(folder)
    assert main([str(folder)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert reason in error
    assert not (folder / "train.csv").is_file()
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("part", [".", "image", "gt"])
def test_folder_without_permission_is_one_line(part: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As another user where the tests run as root, who may do everything."""
    folder = Path(tempfile.mkdtemp(prefix="split-"))
    try:
        for name in "ab":
            write_pair(folder, name)
        folder.chmod(0o755)
        (folder / part).chmod(0o555 if part == "." else 0o000)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            assert main([str(folder)]) == 2
        finally:
            os.seteuid(before)
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert str(folder / part) in error
    finally:
        for path in (folder, *folder.iterdir()):
            path.chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "arguments",
    [[], ["--val-share", "1"], ["--val-share", "nan"], ["--seed", "-1"], ["--no"], ["--folds", "1"],
     ["--folds", "21"], ["--folds", "3", "--val-share", "0.2"], ["--tile", "512"], ["--output", "x"],
     ["--scene-name", "(.+"], ["--scene-name", ".+"]],
)  # fmt: skip
def test_wrong_call_is_one_line(
    folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), *arguments] if arguments else []) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (folder / "train.csv").exists()
