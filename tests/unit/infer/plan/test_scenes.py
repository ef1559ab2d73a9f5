"""Which files are scenes, and in which order and company they run."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path

import pytest

from infer.errors import UsageError
from infer.plan.scenes import Broken, Readable, broken, find_scenes, readable
from infer.settings import SceneLimits
from tests.helpers.support import random_rgb, write_tiff


def test_only_tiffs_directly_in_the_folder_are_scenes(three_scenes: Path) -> None:
    (three_scenes / "folder.tif").mkdir()
    write_tiff(three_scenes / "folder.tif" / "inner.tif", random_rgb(20, 20))
    found = find_scenes(three_scenes)
    assert {scene.name for scene in found} == {"a.b.tif", "odd.TIFF", "plain.Tif"}
    assert {scene.mask_name for scene in found} == {"a.b.png", "odd.png", "plain.png"}
    assert all(isinstance(scene, Readable) for scene in found)


def test_equal_padded_shapes_run_together(tmp_path: Path) -> None:
    for i, (height, width) in enumerate([(64, 64), (90, 90), (60, 50), (96, 96), (64, 64), (95, 81)]):
        write_tiff(tmp_path / f"{i}.tif", random_rgb(height, width))
    shapes = [scene.padded_shape for scene in find_scenes(tmp_path)]
    assert shapes[0] == (96, 96)
    assert len([shape for shape, _ in groupby(shapes)]) == 2


def test_what_cannot_be_a_scene_is_named_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    (tmp_path / "gone.tif").symlink_to(tmp_path / "nowhere")
    (tmp_path / "empty.tif").touch()
    (tmp_path / "loop.tif").symlink_to(tmp_path / "loop.tif")
    found = {scene.name: scene for scene in broken(find_scenes(tmp_path))}
    assert found["pipe.tif"].error == "not a regular file"
    assert found["gone.tif"].error == "No such file or directory"
    assert found["empty.tif"].error == "not a TIFF file"
    assert found["loop.tif"].error == "Too many levels of symbolic links"
    assert all(scene.shape == (512, 512) for scene in found.values())


def test_one_mask_name_has_one_owner(tmp_path: Path) -> None:
    for name in ("x.tif", "x.TIFF"):
        write_tiff(tmp_path / name, random_rgb(20, 20))
    found = find_scenes(tmp_path)
    assert len(readable(found)) == 1
    assert [scene.owns_mask for scene in broken(found)] == [False]


@pytest.mark.parametrize("kind", ["absent", "file"])
def test_an_unusable_folder_is_a_wrong_call(tmp_path: Path, kind: str) -> None:
    if kind == "file":
        (tmp_path / kind).touch()
    with pytest.raises(UsageError, match="folder"):
        find_scenes(tmp_path / kind)


@pytest.mark.parametrize(
    ("limits", "flag"),
    [
        (SceneLimits(pixels=160 * 176 - 1), "--max-pixels"),
        (SceneLimits(bytes=3 * 160 * 176 - 1), "--max-bytes"),
    ],
)
def test_a_scene_beyond_the_limits_keeps_its_size_and_is_an_error(
    three_scenes: Path, limits: SceneLimits, flag: str
) -> None:
    found = {scene.name: scene for scene in find_scenes(three_scenes, limits)}
    beyond = found["a.b.tif"]
    assert isinstance(beyond, Broken)
    assert flag in beyond.error
    assert beyond.shape == (160, 176)
    assert isinstance(found["odd.TIFF"], Readable)
