"""Which scenes a dry run is about, their truths where there are any, and the sizes that masks must have."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import tifffile
from PIL import Image

from infer.errors import FileError
from train_offline.data.folder import SCENE_SUFFIXES, files_of, listed_pairs
from train_offline.data.list_file import rows_of
from train_offline.runtime.files import real_path

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
        """The stem of the scene's file, and so of its mask."""
        return self.image.stem


def cases_of(folder: Path) -> list[Case]:
    """List the scenes of DIR/val.csv, or all of DIR/image, or the TIFF files of DIR itself.

    Raises UsageError naming the file: nothing there, a scene that is missing, no plain file or not to be
    read, a name used twice, or a folder whose only list is train.csv.
    """
    if not os.path.isdir(folder):
        raise FileError(folder, "no such folder, or none that may be looked into", kind="missing")
    if os.path.isfile(folder / LIST):
        cases = [_listed(folder, row.image, row.label) for row in rows_of(folder, LIST)]
    elif os.path.isdir(folder / "image"):
        if os.path.isfile(folder / "train.csv"):
            listed_pairs(folder, LIST)  # says what is wrong: the scenes were set apart for training
        images, truths = _tiffs(folder, "image"), folder / "gt"
        cases = [_case(folder, image, truths / f"{image.stem}.png") for image in images]
    else:
        cases = [Case(image) for image in _tiffs(folder, "")]
    if not cases:
        raise FileError(folder, "no .tif or .tiff file in it, nor in its folder image")
    cases = list({_files(case): case for case in reversed(cases)}.values())[::-1]  # a line there twice
    seen: dict[str, Case] = {}
    for case in cases:
        other = seen.setdefault(case.name, case)
        if other.image != case.image:
            raise FileError(case.image, f"{other.image} would have the same mask", "; leave one of them out")
        if other != case:
            raise FileError(case.image, f"{LIST} gives it two masks", "; leave one of them out")
    return cases


def mask_sizes(case: Case) -> tuple[tuple[int, int], ...]:
    """Return the (height, width) that the mask of a scene may have.

    It is what the scene's TIFF header says, read by other libraries than the job's own reader. A scene
    without a readable one may have a mask of 512 x 512, as the contract says, or of the size that another
    kind of image in it has, or of its truth's.
    """
    for read in (_by_pillow, _by_tifffile):
        try:
            return (read(case.image),)
        except Exception:  # both raise whatever their plugins do; the next source is tried
            continue
    sizes = [NO_HEADER]
    for path in filter(None, (case.image, case.label)):
        try:
            sizes.append(_by_pillow(path, None))
        except Exception:
            continue
    return tuple(dict.fromkeys(sizes))


def _by_pillow(path: Path, formats: tuple[str, ...] | None = ("TIFF",)) -> tuple[int, int]:
    with warnings.catch_warnings():  # 10,000 x 10,000 is a legal scene
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path, formats=formats) as image:
            return image.height, image.width


def _by_tifffile(path: Path) -> tuple[int, int]:
    with tifffile.TiffFile(path) as file:
        return file.pages.first.imagelength, file.pages.first.imagewidth


def _tiffs(folder: Path, part: str) -> list[Path]:
    """List the scenes of a folder; a folder of such a name is none, for the job neither."""
    paths = [path for path in files_of(folder, part) if path.suffix.lower() in SCENE_SUFFIXES]
    return [_usable(path) for path in paths if not os.path.isdir(path)]


def _listed(folder: Path, image: Path, label: Path) -> Case:
    if image.suffix.lower() not in SCENE_SUFFIXES:
        raise FileError(image, f"{folder / LIST} lists it, but scenes are .tif or .tiff files")
    if not os.path.lexists(image):
        raise FileError(image, f"no such file, but {folder / LIST} lists it", kind="missing")
    return _case(folder, _usable(image), label)


def _files(case: Case) -> tuple[Path | None, ...]:
    """Return what tells a case from another one, by whatever paths a list names its files."""
    return tuple(path and real_path(path) for path in (case.image, case.label))


def _usable(path: Path) -> Path:
    if not os.path.isfile(path):
        raise FileError(path, "is no plain file, or a link to nowhere", "; move it out of the folder")
    if not os.access(path, os.R_OK):
        reason, remedy = "may not be read", "; change its mode or move it out of the folder"
        raise FileError(path, reason, remedy, kind="unreadable")
    return path


def _case(folder: Path, image: Path, label: Path) -> Case:
    ignore = folder / "ignore" / f"{image.stem}.png"
    return Case(image, *(path if os.path.lexists(path) else None for path in (label, ignore)))
