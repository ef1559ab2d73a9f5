"""The lists of a data folder, train.csv and val.csv, and those of folds: made and written."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from infer.errors import FileError
from train_offline.data.folder import Pair, list_name
from train_offline.data.list_file import HEADER
from train_offline.runtime.files import whole_file

FOLD_LIST = re.compile(r"(train|val)-\d+\.csv")

_Item = TypeVar("_Item")


def lists_of(items: Sequence[_Item], val_lists: Sequence[Sequence[int]]) -> dict[str, list[_Item]]:
    """Return the lists by their file names, given the indices of the items in each val list, one per fold.

    train.csv and val.csv are those of the first; of several, fold k also has train-<k>.csv and val-<k>.csv.
    """
    lists: dict[str, list[_Item]] = {}
    for fold, val in enumerate(val_lists):
        held_out = set(val)
        sides = {
            "train": [item for index, item in enumerate(items) if index not in held_out],
            "val": [item for index, item in enumerate(items) if index in held_out],
        }
        if fold == 0:
            lists |= {list_name(side): chosen for side, chosen in sides.items()}
        if len(val_lists) > 1:
            lists |= {list_name(side, fold): chosen for side, chosen in sides.items()}
    return lists


def write_lists(folder: Path, lists: dict[str, list[Pair]]) -> None:
    """Write DIR/train.csv and the others, each whole or not at all; lists of earlier folds are removed.

    Raises FileError when the folder cannot be written.
    """
    path = folder
    try:
        with ExitStack() as drafts:
            for name in reversed(lists):  # the last to be entered is renamed first
                path = folder / name
                draft = drafts.enter_context(whole_file(path))
                _write(draft, folder, lists[name])
        for path in folder.iterdir():
            if FOLD_LIST.fullmatch(path.name) and path.name not in lists:
                path.unlink()
    except OSError as error:
        reason = f"cannot be written: {error.strerror}"
        raise FileError(Path(error.filename2 or path), reason, kind="unwritable") from error


def _write(path: Path, folder: Path, pairs: list[Pair]) -> None:
    rows = [[p.relative_to(folder).as_posix() for p in (pair.image, pair.label)] for pair in pairs]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])
