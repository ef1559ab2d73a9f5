"""Files and folders that nearly have the name of one that is missing, to be named beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

# what tells a scene from its mask in a name, and tells nothing of which scene it is
ROLES = {"mask", "label", "gt", "seg", "segmentation", "truth", "groundtruth", "annotation", "lab", "ann"}
ROLES |= {"image", "img", "scene", "rgb", "tci"}
ROLES |= {f"{role}s" for role in ROLES}
FOLDERS = {
    "image": {"images", "img", "imgs", "scene", "scenes", "input", "inputs", "tif", "tiff"},
    "gt": {"gts", "mask", "masks", "label", "labels", "truth", "truths", "ground_truth", "groundtruth"},
    "ignore": {"ignored", "ignores"},
}
PICTURES = {".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg", ".gif", ".webp"}


def bare(stem: str) -> str:
    """Return what of a file's name says which scene it is: small letters, without words such as mask."""
    parts = [part for part in re.split(r"[_\-. ]+", stem.lower()) if part]
    return "_".join(part for part in parts if part not in ROLES) or stem.lower()


def file_near(path: Path) -> Path | None:
    """Return the file that is likely meant by one that is not there: x.PNG, x_mask.png, masks/x.png."""
    found = [file for folder in _folders_near(path.parent) for file in _files(folder) if _is_near(file, path)]
    return found[0] if found else None


def folder_near(path: Path) -> Path | None:
    """Return the folder that is likely meant by one that is not there: images/, Image/."""
    return next(iter(_folders_near(path)), None)


def list_near(folder: Path, list_name: str) -> Path | None:
    """Return a file of a data folder that may be meant as a list and is not read: Train.csv, valid.txt."""
    side = Path(list_name).stem
    meant = {"train": {"train", "training"}, "val": {"val", "valid", "validation"}}.get(side, set())
    files = (file for file in _files(folder) if file.suffix.lower() in (".csv", ".txt"))
    return next((file for file in files if file.stem.lower() in meant and file.name != list_name), None)


def _is_near(file: Path, path: Path) -> bool:
    return file.suffix.lower() in PICTURES and bare(file.stem) == bare(path.stem) and file != path


def _folders_near(path: Path) -> list[Path]:
    """Return the folder itself where it is there, then those beside it that may be meant."""
    names = FOLDERS.get(path.name, set()) | {path.name.lower()}
    beside = [one for one in _entries(path.parent) if one.name.lower() in names and one.is_dir()]
    return [path] * path.is_dir() + [one for one in beside if one != path]


def _files(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_file()]


def _entries(folder: Path) -> Iterable[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
