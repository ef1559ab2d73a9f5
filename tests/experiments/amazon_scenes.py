"""Lays out a set of scenes for amazon.sh as data folders of this project."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import tifffile

from infer.errors import UsageError
from train_offline.data.folder import pairs_in

TIFF = (".tif", ".tiff")
PERCENTILES = (1, 99)  # of the training scenes: what becomes 0 and 255 where pixels have more than 8 bits


def stage(data: Path, run_folder: Path) -> None:
    """Lay out DATA/train and DATA/val as RUN/scenes and RUN/test, each with image/*.tif and gt/*.png.

    8-bit grey and RGB TIFF and 8-bit PNG masks are linked. Other images become 8-bit RGB TIFF: bands after
    the third are dropped, and pixels of more than 8 bits scaled by band, alike in all scenes, by what the
    training scenes hold. Other masks become PNG, where any value but 0 is the class.

    Raises UsageError naming what is missing or cannot be read.
    """
    limits = _limits(data / "train" / "image")
    for theirs, ours in (("train", "scenes"), ("val", "test")):
        _place(data / theirs / "image", run_folder / ours / "image", partial(_converted_scene, limits=limits))
        _place(data / theirs / "gt", run_folder / ours / "gt", _converted_mask)
        pairs_in(run_folder / ours)


def _place(source: Path, target: Path, converted: Callable[[Path, Path], bool]) -> None:
    """Link every file of a folder into another one, unless `converted` has written something in its place."""
    target.mkdir(parents=True, exist_ok=True)
    for path in _files(source):
        link = target / path.name
        link.unlink(missing_ok=True)
        if not converted(path, target):
            link.symlink_to(path.resolve())


def _converted_scene(path: Path, folder: Path, limits: np.ndarray | None) -> bool:
    image = _read(path)
    if path.suffix.lower() in TIFF and image.dtype == np.uint8 and image.shape[2:] in ((), (3,)):
        return False
    image = _three_bands(image)
    if image.dtype != np.uint8:
        if limits is None:
            raise UsageError(f"{path}: holds {image.dtype} pixels, but all training scenes have 8 bits")
        low, high = limits
        image = (np.clip((image - low) / (high - low), 0, 1) * 255).round().astype(np.uint8)
    target = folder / f"{path.stem}.tif"
    target.unlink(missing_ok=True)
    tifffile.imwrite(target, image, photometric="rgb", metadata=None)
    return True


def _converted_mask(path: Path, folder: Path) -> bool:
    mask = _read(path)
    if path.suffix.lower() == ".png" and mask.dtype == np.uint8 and mask.ndim == 2:
        return False
    target = folder / f"{path.stem}.png"
    target.unlink(missing_ok=True)
    cv2.imwrite(str(target), (_three_bands(mask) != 0).any(axis=2) * np.uint8(255))
    return True


def _limits(folder: Path) -> np.ndarray | None:
    """Lower and upper limit of each of three bands, float64 [2, 3]; None where every scene has 8 bits."""
    images = (_read(path) for path in _files(folder))
    deep = [_three_bands(image)[::8, ::8].reshape(-1, 3) for image in images if image.dtype != np.uint8]
    if not deep:
        return None
    low, high = np.percentile(np.concatenate(deep), PERCENTILES, axis=0)
    return np.stack([low, np.maximum(high, low + 1e-9)])


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; DATA_DIR must hold train/ and val/, each image/ and gt/")
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _read(path: Path) -> np.ndarray:
    """[H, W] or [H, W, bands], bands in the order red, green, blue; raises UsageError naming the file."""
    try:
        image = tifffile.imread(path) if path.suffix.lower() in TIFF else _read_other(path)
    except Exception as error:  # tifffile and its codecs raise a dozen kinds of error for a broken file
        raise UsageError(f"{path}: cannot be read: {error!r}") from error
    if image is None or image.ndim not in (2, 3) or image.size == 0:
        raise UsageError(f"{path}: cannot be read as an image; only scenes and masks may be in its folder")
    if image.ndim == 3 and image.shape[0] < min(image.shape[1:]):
        return np.moveaxis(image, 0, 2)  # planar file
    return image


def _read_other(path: Path) -> np.ndarray | None:
    """PNG, JPEG and the like; OpenCV puts blue first."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return image[:, :, 2::-1] if image is not None and image.ndim == 3 else image


def _three_bands(image: np.ndarray) -> np.ndarray:
    """[H, W, 3]: the first three bands, or the first one three times."""
    image = np.atleast_3d(image)
    return image[:, :, :3] if image.shape[2] >= 3 else np.repeat(image[:, :, :1], 3, axis=2)
