"""A list of a data folder, train.csv or val.csv: `image,label`, then a scene and its mask in every line."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infer.errors import FileError
from infer.process.text import one_line

HEADER = ["image", "label"]
FORM = "each line is `image,label`, the paths of a scene and of its mask"
SHOWN = 120  # characters of a row
SEPARATORS = {";": "semicolons", "\t": "tabs"}  # of spreadsheets where the comma stands in numbers


@dataclass(frozen=True)
class ListRow:
    """A scene and its mask, which need not exist; line: of the file, from 1."""

    line: int
    image: Path
    label: Path


def write_list(path: Path, rows: Iterable[tuple[str, str]]) -> None:
    """Write a list of scenes and their masks, paths relative to its folder; raises OSError."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])


def rows_of(folder: Path, list_name: str) -> list[ListRow]:
    """Return the rows of DIR/`list_name`.

    Raises FileError of kind "unreadable", or "form", naming the line: another header, no rows, another
    number of columns, columns that are parted by semicolons, scene and mask in each other's place.
    """
    path = folder / list_name
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets put a byte-order mark first
            reader = csv.reader(file)
            rows_read = ((reader.line_num, [cell.strip() for cell in row]) for row in reader)
            numbered = [(line, row) for line, row in rows_read if any(row)]  # not a spreadsheet's last rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason, remedy = f"cannot be read as a list in UTF-8: {error}", "; save it as CSV in UTF-8"
        raise FileError(path, reason, remedy, kind="unreadable") from error
    (_, header), *rows = numbered or [(1, [])]
    if header != HEADER:
        reason = f"the first line must be `image,label`, not `{_shown(header)}`"
        swapped = "; put the scene's column first" * (header == HEADER[::-1])
        raise FileError(path, reason, _parted(header) or swapped or "; put it there", kind="form")
    if not rows:
        raise FileError(path, "names no scene", f"; after the first, {FORM}", kind="form")
    for number, row in rows:
        _require_form(path, number, row)
    return [ListRow(number, folder / image, folder / label) for number, (image, label) in rows]


def _require_form(path: Path, number: int, row: list[str]) -> None:
    """Raise FileError for a row that does not name a scene, then a mask."""
    shown = _shown(row)
    if len(row) != len(HEADER):
        count = f"{len(row)} column{'s' * (len(row) != 1)}"
        reason, remedy = f"line {number} has {count}, not 2: `{shown}`", _parted(row) or f"; {FORM}"
        raise FileError(path, reason, remedy, kind="form")
    image, label = (text.lower() for text in row)
    if not image or not label:
        raise FileError(path, f"line {number} lacks a path: `{shown}`", f"; {FORM}", kind="form")
    if image.endswith(".png") and label.endswith((".tif", ".tiff")):
        reason = f"line {number} has scene and mask in each other's place: `{shown}`"
        raise FileError(path, reason, f"; {FORM}", kind="form")


def _shown(row: list[str]) -> str:
    """Return a row as it may stand in a message."""
    text = one_line(",".join(row))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} …"


def _parted(row: list[str]) -> str:
    """Return what to do about columns that something else than commas parts, else nothing."""
    text = ",".join(row)
    names = [name for separator, name in SEPARATORS.items() if separator in text]
    return f"; its columns are parted by {names[0]}: put commas there" if names else ""
