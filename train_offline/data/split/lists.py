"""The lists of a data folder, train.csv and val.csv, and those of folds: made and written."""

from __future__ import annotations

import contextlib
import csv
import os
import re
from collections.abc import Sequence
from pathlib import Path

from infer.errors import UsageError
from train_offline.data.folder import HEADER, Pair

FOLD_LIST = re.compile(r"(train|val)-\d+\.csv")


def list_name(side: str, fold: int | None = None) -> str:
    """The file name of a list: side is "train" or "val"; fold None for the two that every split has."""
    return f"{side}.csv" if fold is None else f"{side}-{fold}.csv"


def lists_of(pairs: Sequence[Pair], val_lists: Sequence[Sequence[int]]) -> dict[str, list[Pair]]:
    """The lists by their file names, given the indices of the pairs in each val list (one for each fold).

    train.csv and val.csv are those of the first; of several, fold k also has train-<k>.csv and val-<k>.csv.
    """
    lists: dict[str, list[Pair]] = {}
    for fold, val in enumerate(val_lists):
        held_out = set(val)
        sides = {
            "train": [pair for index, pair in enumerate(pairs) if index not in held_out],
            "val": [pair for index, pair in enumerate(pairs) if index in held_out],
        }
        if fold == 0:
            lists |= {list_name(side): chosen for side, chosen in sides.items()}
        if len(val_lists) > 1:
            lists |= {list_name(side, fold): chosen for side, chosen in sides.items()}
    return lists


def write_lists(folder: Path, lists: dict[str, list[Pair]]) -> None:
    """Write DIR/train.csv and the others, each whole or not at all; lists of earlier folds are removed.

    Raises UsageError when the folder cannot be written.
    """
    partials = {folder / name: folder / f".{name}.part" for name in lists}
    path = folder
    try:
        for path, pairs in zip(partials, lists.values(), strict=True):
            rows = [[p.relative_to(folder).as_posix() for p in (pair.image, pair.label)] for pair in pairs]
            with partials[path].open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])
        for path, unfinished in partials.items():
            os.replace(unfinished, path)
        for path in folder.iterdir():
            if FOLD_LIST.fullmatch(path.name) and path.name not in lists:
                path.unlink()
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        for unfinished in partials.values():
            with contextlib.suppress(OSError):
                unfinished.unlink()
