"""Which scenes a dry run is about, their truths where there are any, and the sizes that masks must have."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import tifffile
from PIL import Image

from infer.settings import UsageError
from train_offline.folder import SCENE_SUFFIXES, files_of, listed_pairs, rows_of

LIST = "val.csv"
NO_HEADER = (512, 512)  # height and width of the mask of a scene whose header cannot be read


@dataclass(frozen=True)
class Case:
    """One scene to judge. label: its true mask, ignore: the pixels to leave out; None where there is none."""

    image: Path
    label: Path | None = None
    ignore: Path | None = None

    @property
    def name(self) -> str:
        return self.image.stem


def cases_of(folder: Path) -> list[Case]:
    """The scenes that DIR/val.csv lists, or all of DIR/image, or the TIFF files of DIR itself.

    Raises UsageError naming the file: nothing there, a listed scene that is missing, a name used twice, or a
    folder whose only list is train.csv.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    if (folder / LIST).is_file():
        cases = [_listed(folder, image, label) for image, label in rows_of(folder, LIST)]
    elif (folder / "image").is_dir():
        if (folder / "train.csv").is_file():
            listed_pairs(folder, LIST)  # says what is wrong: the scenes were set apart for training
        cases = [
            _case(folder, image, folder / "gt" / f"{image.stem}.png") for image in _tiffs(folder, "image")
        ]
    else:
        cases = [Case(image) for image in _tiffs(folder, "")]
    if not cases:
        raise UsageError(f"{folder}: no .tif or .tiff file in it, nor in its folder image")
    seen: dict[str, Path] = {}
    for case in cases:
        other = seen.setdefault(case.name, case.image)
        if other is not case.image:
            raise UsageError(f"{case.image}: {other} has the name {case.name} too; rename one of the two")
    return cases


def mask_sizes(case: Case) -> tuple[tuple[int, int], ...]:
    """The (height, width) that the mask of a scene may have.

    It is what the scene's header says, read by other libraries than the job's own reader. A scene without a
    readable header may have a mask of 512 x 512, as the contract says, or of its truth's size.
    """
    for read in (_by_pillow, _by_tifffile):
        try:
            return (read(case.image),)
        except Exception:  # both raise whatever their plugins do; the next source is tried
            continue
    try:
        return (NO_HEADER, _by_pillow(case.label))
    except Exception:
        return (NO_HEADER,)


def open_image(path: Path) -> Image.Image:
    """Open without Pillow's warning about large images: 10,000 x 10,000 is a legal scene."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(path)


def _by_pillow(path: Path) -> tuple[int, int]:
    with open_image(path) as image:
        return image.height, image.width


def _by_tifffile(path: Path) -> tuple[int, int]:
    with tifffile.TiffFile(path) as file:
        return file.pages.first.imagelength, file.pages.first.imagewidth


def _tiffs(folder: Path, part: str) -> list[Path]:
    return [path for path in files_of(folder, part) if path.suffix.lower() in SCENE_SUFFIXES]


def _listed(folder: Path, image: Path, label: Path) -> Case:
    if not os.path.isfile(image):
        raise UsageError(f"{image}: no such file, but {folder / LIST} lists it")
    return _case(folder, image, label)


def _case(folder: Path, image: Path, label: Path) -> Case:
    ignore = folder / "ignore" / f"{image.stem}.png"
    return Case(image, *(path if os.path.isfile(path) else None for path in (label, ignore)))
