"""A data folder as the challenge ships it: which scenes it holds, and their pixels.

DIR/image/*.tif, DIR/gt/*.png (255 = ice), optional DIR/ignore/*.png (255 = leave out of loss and score), and
the lists DIR/train.csv and DIR/val.csv with the header `image,label` and paths relative to DIR.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infer.errors import FileError
from train_offline.data.list_file import rows_of
from train_offline.data.pixels import read_image, read_mask

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
        """The scene's, which its masks have too."""
        return self.image.stem

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
        remedy = "; a data folder holds image/*.tif and gt/*.png"
        raise FileError(path, "no such folder", remedy, kind="missing") from error
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
    return [_pair(folder, image, folder / "gt" / f"{image.stem}.png") for image in images]


def listed_pairs(folder: Path, list_name: str) -> list[Pair]:
    """Return the scenes that DIR/`list_name` lists; those of the whole folder where it holds no list at all.

    A folder without the lists of any fold has train.csv in place of a train-<k>.csv, and val.csv likewise.
    Raises FileError: a list without rows or with another header, a row whose file is missing, or a folder
    with the other list only (its scenes were set apart for something else).
    """
    if not any(folder.glob("train-*.csv")) and not any(folder.glob("val-*.csv")):
        list_name = re.sub(r"-\d+", "", list_name)
    if not os.path.isfile(folder / list_name):  # unlike Path.is_file, False for what may not be looked at
        others = sorted(p.name for p in folder.glob("*.csv") if p.name in ("train.csv", "val.csv"))
        if others:
            how = "./run.sh split" + ("" if list_name in ("train.csv", "val.csv") else " --folds N")
            reason = f"holds {others[0]} but no {list_name}"
            raise FileError(folder, reason, f"; make it with {how}", kind="missing")
        return pairs_in(folder)
    return [_pair(folder, image, label) for image, label in rows_of(folder, list_name)]


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


def _pair(folder: Path, image: Path, label: Path) -> Pair:
    for path in (image, label):
        if not os.path.isfile(path):
            remedy = " (every scene needs a mask of its name in gt/)"
            raise FileError(path, "no such file", remedy, kind="missing")
    ignore = folder / "ignore" / f"{image.stem}.png"
    return Pair(image, label, ignore if os.path.isfile(ignore) else None)
