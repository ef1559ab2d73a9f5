"""A data folder as the challenge ships it: which scenes it holds, and their pixels.

DIR/image/*.tif, DIR/gt/*.png (255 = ice), optional DIR/ignore/*.png (255 = leave out of loss and score), and
the lists DIR/train.csv and DIR/val.csv with the header `image,label` and paths relative to DIR.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile

from infer.settings import UsageError

HEADER = ["image", "label"]
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
    if not (folder / "image").is_dir():
        raise UsageError(f"{folder / 'image'}: no such folder; a data folder holds image/*.tif and gt/*.png")
    images = sorted(p for p in (folder / "image").iterdir() if p.suffix.lower() in (".tif", ".tiff"))
    if not images:
        raise UsageError(f"{folder / 'image'}: no .tif or .tiff file in it")
    stems = [p.stem for p in images]
    for image, before in zip(images[1:], stems, strict=False):
        if image.stem == before:
            raise UsageError(f"{image}: another scene has the name {before}; rename one of the two")
    return [_pair(folder, image, folder / "gt" / f"{image.stem}.png") for image in images]


def listed_pairs(folder: Path, list_name: str) -> list[Pair]:
    """The scenes that DIR/`list_name` lists; those of the whole folder where it holds no list at all.

    Raises UsageError naming the file: a list without rows or with another header, a row whose file is
    missing, or a folder with the other list only (its scenes were set apart for something else).
    """
    path = folder / list_name
    if not path.is_file():
        others = sorted(p.name for p in folder.glob("*.csv") if p.name in ("train.csv", "val.csv"))
        if others:
            raise UsageError(f"{folder}: holds {others[0]} but no {list_name}; make it with ./run.sh split")
        return pairs_in(folder)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets put a byte-order mark first
            header, *rows = [row for row in csv.reader(file) if row] or [[]]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as a list in UTF-8: {error}") from error
    if header != HEADER:
        raise UsageError(f"{path}: the first line must be `image,label`")
    if not rows or any(len(row) != 2 for row in rows):
        raise UsageError(f"{path}: every line after the first must be `image,label`, and there must be one")
    return [_pair(folder, folder / image, folder / label) for image, label in rows]


def read_scene(pair: Pair) -> LabelledScene:
    """Decode one labelled scene; grey is repeated to RGB, a fourth band is dropped.

    Raises UsageError naming the file: unreadable, not 8-bit grey or RGB, or a mask of another size.
    """
    image = _read_image(pair.image)
    label = (_read_mask(pair.label, image.shape[:2]) != 0).astype(np.uint8)
    if pair.ignore is not None:
        label[_read_mask(pair.ignore, image.shape[:2]) != 0] = IGNORED
    return LabelledScene(pair.name, image, label)


def _pair(folder: Path, image: Path, label: Path) -> Pair:
    for path in (image, label):
        if not path.is_file():
            raise UsageError(f"{path}: no such file (every scene needs a mask of its name in gt/)")
    ignore = folder / "ignore" / f"{image.stem}.png"
    return Pair(image, label, ignore if ignore.is_file() else None)


def _read_image(path: Path) -> np.ndarray:
    try:
        image = tifffile.imread(path)
    except Exception as error:  # tifffile and its codecs raise a dozen kinds of error for a broken file
        raise UsageError(
            f"{path}: cannot be read: {str(error).splitlines()[0] if str(error) else error!r}"
        ) from error
    if image.size == 0:
        raise UsageError(f"{path}: cannot be read: holds no pixels")
    if image.ndim == 3 and image.shape[0] in (3, 4) and image.shape[2] not in (3, 4):
        image = np.moveaxis(image, 0, 2)  # planar file
    if image.ndim == 2:
        image = np.repeat(image[:, :, None], 3, axis=2)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (3, 4):
        raise UsageError(f"{path}: must be 8-bit grey, RGB or RGBA, not {image.dtype} {image.shape}")
    return np.ascontiguousarray(image[:, :, :3])


def _read_mask(path: Path, size: tuple[int, int]) -> np.ndarray:
    """uint8 [H, W] of a PNG mask; UsageError when it cannot be read or has another size than its scene."""
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise UsageError(f"{path}: cannot be read as an image")
    if mask.shape != size:
        (height, width), (rows, columns) = size, mask.shape
        raise UsageError(f"{path}: is {columns}x{rows} pixels, but its scene is {width}x{height}")
    return mask
