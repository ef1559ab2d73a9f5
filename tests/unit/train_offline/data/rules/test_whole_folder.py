"""Every fault that is planted in a folder as a whole, or in its lists, is found, with its fix."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers.offline.checked import Spoil, assert_only_finding, found, texture
from tests.helpers.offline.data_folder import write_list
from tests.helpers.offline.folder_faults import ALONE, list_with_another_header, listed_but_absent, unlist
from tests.helpers.support import write_tiff


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
    assert ("image/a", "2 files have this name and share one mask", False) in findings
    unlist(folder)
    assert ("image/a", "2 files have this name and share one mask", True) in found(folder)


def test_tiles_of_a_scene_on_both_lists_and_alike_on_one(folder: Path) -> None:
    for path in [*(folder / "image").iterdir(), *(folder / "gt").iterdir()]:
        path.rename(path.with_stem(f"s_{path.stem}".replace("s_a", "s_1").replace("s_e", "s_2")))
    write_tiff(folder / "image" / "s_2.tif", texture(0))  # like s_1, but a tile of the same scene
    (folder / "ignore" / "b.png").unlink()
    write_list(folder, "train.csv", ["s_1", "s_b", "s_c", "s_d"])
    write_list(folder, "val.csv", ["s_2", "s_f"])
    assert found(folder) == [
        ("val.csv", "holds tiles of scenes to train on, by their names: image/s_2.tif", False)
    ]


def test_alike_scenes_on_one_list_are_as_they_should_be(folder: Path) -> None:
    write_tiff(folder / "image" / "b.tif", texture(0))
    assert found(folder) == []
    for name in ("train.csv", "val.csv"):
        (folder / name).unlink()
    assert found(folder) == [("image/a.tif", "looks like image/b.tif", False)]
