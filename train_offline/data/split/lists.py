"""The lists of a data folder, train.csv and val.csv, and those of folds: made and written."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import TypeVar

from infer.errors import FileError
from train_offline.data.folder import LIST, Pair, list_name
from train_offline.data.list_file import write_list
from train_offline.runtime.files import whole_file

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


def write_lists(folder: Path, lists: dict[str, list[Pair]]) -> Path | None:
    """Write DIR/train.csv and the others, each whole or not at all; lists of earlier folds are removed.

    Lists that were there and say something else may be the work of hours: they are copied to the new folder
    DIR/lists.<n>, which is returned. Raises FileError when the folder cannot be written.
    """
    path = folder
    kept = None
    try:
        with ExitStack() as drafts:
            new: dict[str, Path] = {}
            for name in reversed(lists):  # the last to be entered is renamed first
                path = folder / name
                new[name] = drafts.enter_context(whole_file(path))
                _write(new[name], folder, lists[name])
            kept = _keep(folder, new)
        for path in folder.iterdir():
            if LIST.fullmatch(path.name) and path.name not in lists:
                path.unlink()
    except OSError as error:
        reason = f"cannot be written: {error.strerror}"
        raise FileError(Path(error.filename2 or path), reason, kind="unwritable") from error
    return kept


def _keep(folder: Path, new: dict[str, Path]) -> Path | None:
    """Copy the lists that are there to DIR/lists.<n> where they are not the new ones; returns that folder."""
    there = sorted(path for path in folder.iterdir() if LIST.fullmatch(path.name) and path.is_file())
    if all(path.name in new and filecmp.cmp(path, new[path.name], shallow=False) for path in there):
        return None
    kept = next(one for n in count(1) if not os.path.lexists(one := folder / f"lists.{n}"))
    kept.mkdir()
    for path in there:
        shutil.copy2(path, kept / path.name)
    return kept


def _write(path: Path, folder: Path, pairs: list[Pair]) -> None:
    write_list(path, ((_within(folder, pair.image), _within(folder, pair.label)) for pair in pairs))


def _within(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()
