"""Lists as people write them by hand or in a spreadsheet: what is wrong is named by its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from infer.errors import FileError
from train_offline.data.list_file import ListRow, rows_of

GOOD = "image/a.tif,gt/a.png"


@pytest.mark.parametrize(
    ("content", "reason", "remedy"),
    [
        ("image;label\nimage/a.tif;gt/a.png\n", "the first line must be `image,label`, not `image;label`",
         "parted by semicolons"),
        ("image\tlabel\n", "the first line must be `image,label`, not", "parted by tabs"),
        ("file,mask\nimage/a.tif,gt/a.png\n", "the first line must be `image,label`, not `file,mask`", "put"),
        ("label,image\ngt/a.png,image/a.tif\n", "the first line must be `image,label`, not `label,image`",
         "put the scene's column first"),
        ("", "the first line must be `image,label`, not ``", "put it there"),
        ("image,label\n", "names no scene", "each line is `image,label`"),
        (f"image,label\n{GOOD}\nimage/b.tif;gt/b.png\n", "line 3 has 1 column, not 2",
         "parted by semicolons"),
        (f"image,label\n{GOOD}\n\nimage/b.tif,gt/b.png,\n", "line 4 has 3 columns, not 2: `image/b.tif,",
         "each line is"),
        (f"image,label\n{GOOD}\nimage/b.tif\n", "line 3 has 1 column, not 2", "each line is"),
        (f"image,label\n{GOOD}\n,gt/b.png\n", "line 3 lacks a path", "each line is"),
        (f"image,label\n{GOOD}\ngt/b.PNG,image/b.TIF\n", "line 3 has scene and mask in each other's place",
         "each line is"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_line(tmp_path: Path, content: str, reason: str, remedy: str) -> None:
    (tmp_path / "val.csv").write_text(content)
    with pytest.raises(FileError) as caught:
        rows_of(tmp_path, "val.csv")
    assert (caught.value.kind, caught.value.path) == ("form", tmp_path / "val.csv")
    assert caught.value.reason.startswith(reason)
    assert remedy in caught.value.remedy
    assert "split" not in caught.value.remedy, "it would overwrite a list that was made by hand"
    assert str(tmp_path) not in caught.value.reason


def test_a_list_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "val.csv").write_bytes(b"\xff\xfe\0")
    with pytest.raises(FileError, match="save it as CSV in UTF-8") as caught:
        rows_of(tmp_path, "val.csv")
    assert caught.value.kind == "unreadable"


def test_rows_of_a_spreadsheet(tmp_path: Path) -> None:
    """With a byte-order mark, carriage returns, and empty rows at the end."""
    (tmp_path / "val.csv").write_bytes(f"\ufeffimage,label\r\n{GOOD}\r\n,\r\n\r\n".encode())
    assert rows_of(tmp_path, "val.csv") == [ListRow(2, tmp_path / "image/a.tif", tmp_path / "gt/a.png")]


def test_spaces_beside_the_commas_are_no_part_of_a_path(tmp_path: Path) -> None:
    (tmp_path / "val.csv").write_text("image, label\n image/a.tif , gt/a.png\n")
    assert rows_of(tmp_path, "val.csv") == [ListRow(2, tmp_path / "image/a.tif", tmp_path / "gt/a.png")]
