"""Folders that are filled whole or not at all, and whether a place can be written to."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from infer.errors import FileError, UsageError
from train_offline.runtime.files import new_folder, writable_folder, write_whole


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_nothing_is_left_of_an_output_that_was_stopped(tmp_path: Path, stop: type[BaseException]) -> None:
    output = tmp_path / "tiles"

    def write_half() -> None:
        with new_folder(output) as folder:
            (folder / "half").write_text("of a tile")
            raise stop

    with pytest.raises((KeyboardInterrupt, UsageError)):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_an_empty_output_may_be_there_and_keeps_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    (tmp_path / "tiles").mkdir()
    with new_folder(tmp_path / "tiles") as folder:
        (folder / "one").write_text("tile")
    assert (tmp_path / "tiles" / "one").read_text() == "tile"
    assert (tmp_path / "tiles").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_the_folder_is_not_there_before_all_of_it_is(tmp_path: Path) -> None:
    output = tmp_path / "above" / "tiles"
    with new_folder(output) as folder:
        (folder / "one").write_text("tile")
        assert not output.exists()
        assert folder.parent == output.parent, "on the same disk, so that it can be renamed"
    assert [path.name for path in output.parent.iterdir()] == ["tiles"]


@pytest.mark.parametrize(("setting", "before"), [("output", "--output "), ("keep", "--keep "), (None, "")])
def test_a_folder_with_something_in_it_is_refused_by_name(
    tmp_path: Path, setting: str | None, before: str
) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(FileError) as caught, new_folder(tmp_path, setting):
        pytest.fail("nothing can be written there")
    assert str(caught.value) == f"{before}{tmp_path}: is already there; name a new or empty folder"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_writable_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert writable_folder(folder, "report_dir") == folder
    assert list(folder.iterdir()) == []


def test_a_place_that_is_no_folder_is_named_with_its_flag(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(FileError, match=r"^--report-dir .*file: cannot be written to \(") as caught:
        writable_folder(tmp_path / "file", "report_dir")
    assert caught.value.kind == "unwritable"
    assert (tmp_path / "file").read_text() == "kept"


def test_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    """Nor is a device, such as /dev/null."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is no plain file"):
        write_whole(tmp_path / "pipe", "text")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
