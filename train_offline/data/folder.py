"""A data folder as the challenge ships it: which scenes it holds, and their pixels.

DIR/image/*.tif, DIR/gt/*.png (255 = ice), optional DIR/ignore/*.png (255 = leave out of loss and score), and
the lists DIR/train.csv and DIR/val.csv with the header `image,label` and paths relative to DIR.
"""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infer.errors import UsageError
from train_offline.data.pixels import as_rgb, read_bands, read_mask

HEADER = ["image", "label"]
SCENE_SUFFIXES = (".tif", ".tiff")  # in small or capital letters
IGNORED = 255  # label of the pixels that neither loss nor score may see


@dataclass(frozen=True)
class Pair:
    """The files of one labelled scene."""

    image: Path
    label: Path
    ignore: Path | None

    @property
    def name(self) -> str:
        return self.image.stem


@dataclass(frozen=True)
class LabelledScene:
    """image: uint8 [H, W, 3] RGB; label: uint8 [H, W], 0 background, 1 ice, 255 ignored."""

    name: str
    image: np.ndarray
    label: np.ndarray


def pairs_in(folder: Path) -> list[Pair]:
    """Every scene of DIR/image with its mask in DIR/gt, sorted by name.

    Raises UsageError naming the file: no such folder, no scene, a scene without its mask, a name used twice.
    """
    images = [p for p in files_of(folder, "image") if p.suffix.lower() in SCENE_SUFFIXES]
    if not images:
        raise UsageError(f"{folder / 'image'}: no .tif or .tiff file in it")
    seen: set[str] = set()
    for image in images:
        if image.stem in seen:
            raise UsageError(f"{image}: another scene has the name {image.stem}; rename one of the two")
        seen.add(image.stem)
    return [_pair(folder, image, folder / "gt" / f"{image.stem}.png") for image in images]


def files_of(folder: Path, part: str) -> list[Path]:
    """What lies in DIR/`part`, sorted; raises UsageError when it is not there or cannot be read."""
    try:
        return sorted((folder / part).iterdir())
    except (FileNotFoundError, NotADirectoryError) as error:
        what = "a data folder holds image/*.tif and gt/*.png"
        raise UsageError(f"{folder / part}: no such folder; {what}") from error
    except OSError as error:
        raise UsageError(f"{folder / part}: cannot be read: {error.strerror}") from error


def listed_pairs(folder: Path, list_name: str) -> list[Pair]:
    """The scenes that DIR/`list_name` lists; those of the whole folder where it holds no list at all.

    A folder without the lists of any fold has train.csv in place of a train-<k>.csv, and val.csv likewise.
    Raises UsageError naming the file: a list without rows or with another header, a row whose file is
    missing, or a folder with the other list only (its scenes were set apart for something else).
    """
    if not any(folder.glob("train-*.csv")) and not any(folder.glob("val-*.csv")):
        list_name = re.sub(r"-\d+", "", list_name)
    path = folder / list_name
    if not os.path.isfile(path):  # unlike Path.is_file, False for what may not be looked at
        others = sorted(p.name for p in folder.glob("*.csv") if p.name in ("train.csv", "val.csv"))
        if others:
            how = "./run.sh split" + ("" if list_name in ("train.csv", "val.csv") else " --folds N")
            raise UsageError(f"{folder}: holds {others[0]} but no {list_name}; make it with {how}")
        return pairs_in(folder)
    return [_pair(folder, image, label) for image, label in rows_of(folder, list_name)]


def rows_of(folder: Path, list_name: str) -> list[tuple[Path, Path]]:
    """(scene, mask) of every row of DIR/`list_name`, which may name files that do not exist.

    Raises UsageError naming the list when it cannot be read, has no rows or another header.
    """
    path = folder / list_name
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets put a byte-order mark first
            header, *rows = [row for row in csv.reader(file) if row] or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read as a list in UTF-8: {error}") from error
    if header != HEADER:
        raise UsageError(f"{path}: the first line must be `image,label`")
    if not rows or any(len(row) != 2 for row in rows):
        raise UsageError(f"{path}: every line after the first must be `image,label`, and there must be one")
    return [(folder / image, folder / label) for image, label in rows]


def read_scene(pair: Pair) -> LabelledScene:
    """Decode one labelled scene; grey is repeated to RGB, a fourth band is dropped.

    Raises UsageError naming the file: unreadable, not 8-bit grey or RGB, or a mask of another size.
    """
    image = read_bands(pair.image)
    label = (read_mask(pair.label, image.shape[:2]) != 0).astype(np.uint8)
    if pair.ignore is not None:
        label[read_mask(pair.ignore, image.shape[:2]) != 0] = IGNORED
    return LabelledScene(pair.name, as_rgb(image), label)


def _pair(folder: Path, image: Path, label: Path) -> Pair:
    for path in (image, label):
        if not os.path.isfile(path):
            raise UsageError(f"{path}: no such file (every scene needs a mask of its name in gt/)")
    ignore = folder / "ignore" / f"{image.stem}.png"
    return Pair(image, label, ignore if os.path.isfile(ignore) else None)
