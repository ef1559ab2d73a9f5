"""A data folder as the challenge ships it: which scenes it holds, and their pixels.

DIR/image/*.tif, DIR/gt/*.png (255 = ice), optional DIR/ignore/*.png (255 = leave out of loss and score), and
the lists DIR/train.csv and DIR/val.csv with the header `image,label` and paths relative to DIR.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infer.errors import FileError
from train_offline.data.list_file import ListRow, rows_of
from train_offline.data.near_miss import file_near, folder_near, list_near
from train_offline.data.pixels import read_image, read_mask
from train_offline.runtime.files import real_path

SCENE_SUFFIXES = (".tif", ".tiff")  # in small or capital letters
LIST = re.compile(r"(train|val)(?:-(0|[1-9]\d*))?\.csv")  # as list_name has it: side, fold
IGNORED = 255  # label of the pixels that neither loss nor score may see


@dataclass(frozen=True)
class Pair:
    """The files of one labelled scene."""

    image: Path
    label: Path
    ignore: Path | None

    @property
    def name(self) -> str:
        """The scene's, which its masks have too."""
        return self.image.stem

    @property
    def identity(self) -> tuple[Path, Path]:
        """What tells it from another pair, by whatever paths a list names its files."""
        return real_path(self.image), real_path(self.label)

    @property
    def files(self) -> list[Path]:
        """Those that there are: the scene, its mask, what to ignore."""
        return [path for path in (self.image, self.label, self.ignore) if path is not None]


@dataclass(frozen=True)
class LabelledScene:
    """image: uint8 [H, W, 3] RGB; label: uint8 [H, W], 0 background, 1 ice, 255 ignored."""

    name: str
    image: np.ndarray
    label: np.ndarray


def list_name(side: str, fold: int | None = None) -> str:
    """Return the file name of a list: side is "train" or "val"; fold None for the two of every split."""
    return f"{side}.csv" if fold is None else f"{side}-{fold}.csv"


def scene_files(folder: Path) -> list[Path]:
    """Return every .tif and .tiff of DIR/image, sorted; raises FileError when there is none."""
    images = [path for path in files_of(folder, "image") if path.suffix.lower() in SCENE_SUFFIXES]
    if not images:
        raise FileError(folder / "image", "no .tif or .tiff file in it", kind="missing")
    return images


def files_of(folder: Path, part: str) -> list[Path]:
    """Return what lies in DIR/`part`, sorted; raises FileError of kind "missing" or "unreadable"."""
    path = folder / part
    try:
        return sorted(path.iterdir())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileError(path, "no such folder", _instead_of_folder(path), kind="missing") from error
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}", kind="unreadable") from error


def pairs_in(folder: Path) -> list[Pair]:
    """Return every scene of DIR/image with its mask in DIR/gt, sorted by name.

    Raises FileError: no such folder, no scene, a scene without its mask, a name used twice.
    """
    images, seen = scene_files(folder), set[str]()
    for image in images:
        if image.stem in seen:
            raise FileError(image, f"another scene has the name {image.stem}", "; rename one of the two")
        seen.add(image.stem)
    pairs = [pair_of(folder, image) for image in images]
    for pair in pairs:
        if not os.path.isfile(pair.label):  # unlike Path.is_file, False for what may not be looked at
            raise missing_file(pair.label)
    return pairs


def list_in(folder: Path, list_name: str) -> str | None:
    """Return the name of the list that takes the part of DIR/`list_name`, None where all scenes do.

    A folder without the lists of any fold has train.csv in place of a train-<k>.csv, and val.csv likewise.
    Raises FileError for a folder with the other list only: its scenes were set apart for something else.
    """
    there = sorted(path.name for path in folder.glob("*.csv") if LIST.fullmatch(path.name))
    if not any("-" in name for name in there):
        list_name = re.sub(r"-\d+", "", list_name)
    if os.path.isfile(folder / list_name):
        return list_name
    if os.path.lexists(folder / list_name):
        raise FileError(
            folder / list_name, "is no file", "; put the list there, or move it away", kind="form"
        )
    if not there:
        return None
    near, alike = list_near(folder, list_name), [name for name in there if name[0] == list_name[0]]
    remedy = f"; write it, or move {there[0]} away to use all scenes"
    if near:
        remedy = f"; rename {near.name} to it"
    elif alike:
        remedy = f"; there are {', '.join(alike[:4])}{' ...' * (len(alike) > 4)}"
    raise FileError(folder / there[0], f"is there, but no {list_name}", remedy, kind="missing")


def listed_pairs(folder: Path, list_name: str) -> list[Pair]:
    """Return the scenes that DIR/`list_name` lists; those of the whole folder where it holds no list at all.

    Raises FileError: as list_in, a list without rows or with another header, a row whose file is missing.
    """
    found = list_in(folder, list_name)
    if found is None:
        return pairs_in(folder)
    rows = rows_of(folder, found)
    for error in missing_of(folder, found, rows):
        raise error
    return [pair_of(folder, row.image, row.label) for row in rows]


def missing_of(folder: Path, list_name: str, rows: Sequence[ListRow]) -> Iterator[FileError]:
    """Yield an error for each file that a list names and that is not there."""
    for row in rows:
        for path in (row.image, row.label):
            if not os.path.isfile(path):
                reason = f"line {row.line} lists {within(folder, path)}, which does not exist"
                near = file_near(path)
                remedy = "; put the file there, or take the line out"
                if "\\" in str(path):
                    remedy = "; write / in place of \\"
                elif near:
                    remedy = f"; {within(folder, near)} is there, is it meant?"
                yield FileError(folder / list_name, reason, remedy, kind="missing")


def missing_file(path: Path) -> FileError:
    """Return the error for a mask DIR/gt/x.png that is not there."""
    near, folder = file_near(path), path.parent.parent
    remedy = f"; {within(folder, near)} is there: " if near else "; every scene needs a mask: "
    remedy += f"put it at {path.parent.name}/{path.name}" if near else "draw it (255 = ice, 0 = all else)"
    return FileError(path, "no such file", remedy, kind="missing")


def within(folder: Path, path: Path) -> str:
    """Name a file of a data folder: from there if it lies in it, else in full."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def pair_of(folder: Path, image: Path, label: Path | None = None) -> Pair:
    """Return a scene with its mask, by default DIR/gt/x.png, and with DIR/ignore/x.png if that is there."""
    ignore = folder / "ignore" / f"{image.stem}.png"
    return Pair(
        image, label or folder / "gt" / f"{image.stem}.png", ignore if os.path.lexists(ignore) else None
    )


def read_labelled(pair: Pair) -> LabelledScene:
    """Decode one labelled scene, its pixels as the job sees them; pixels without data are ignored.

    Raises FileError of kind "unreadable", "form" or "size".
    """
    image = read_image(pair.image)
    size = image.pixels.shape[0], image.pixels.shape[1]
    ice = read_mask(pair.label, size)
    ignore = None if pair.ignore is None else read_mask(pair.ignore, size)
    return LabelledScene(pair.name, image.pixels, label_of(ice, ignore, image.valid))


def label_of(ice: np.ndarray, ignore: np.ndarray | None, valid: np.ndarray | None) -> np.ndarray:
    """Return a scene's label, uint8 [H, W], from its masks, uint8 [H, W], and where it has data, bool [H, W].

    A mask counts wherever it is not 0; ignore and valid may be None.
    """
    label: np.ndarray = (ice != 0).astype(np.uint8)
    if ignore is not None:
        label[ignore != 0] = IGNORED
    if valid is not None:
        label[~valid] = IGNORED
    return label


def _instead_of_folder(path: Path) -> str:
    near = folder_near(path)
    if near:
        return f"; {near.name}/ is there: rename it to {path.name}"
    loose = path.name == "image" and any(
        one.suffix.lower() in SCENE_SUFFIXES for one in path.parent.glob("*")
    )
    if loose:
        return "; scenes lie beside it: a data folder holds image/*.tif and gt/*.png"
    return "; a data folder holds image/*.tif and gt/*.png"
