"""Cut the scenes that are larger than a tile into tiles, in a new data folder, without loss."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from itertools import count as count_up
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from train_offline.data.crops.tiling import tile_corners
from train_offline.data.folder import Pair
from train_offline.data.makers.bands import read_bands, write_bands
from train_offline.data.pixels import read_mask


def tile_names(names: Sequence[str], scenes: Sequence[str], counts: Sequence[int]) -> list[list[str]]:
    """Return the names of the tiles of each file, given its scene and the number of its tiles.

    `<scene>_<n>`, n counting through all files of the scene from 0; the files of a scene of which nothing is
    cut keep their names. So tiles of `12_3`, itself a piece of scene 12, are still known as scene 12. A
    number whose name a file of another scene has is left out, so no name comes up twice.
    """
    cut = {scene for scene, count in zip(scenes, counts, strict=True) if count > 1}
    taken = {name for name, scene in zip(names, scenes, strict=True) if scene not in cut}
    free = {scene: _names_beside(scene, taken) for scene in cut}
    return [
        list(islice(free[scene], count)) if scene in cut else [name]
        for name, scene, count in zip(names, scenes, counts, strict=True)
    ]


def _names_beside(scene: str, taken: set[str]) -> Iterator[str]:
    """Yield `<scene>_0`, `<scene>_1` ... without those that are taken; each is taken as it is given."""
    for name in map(f"{scene}_{{}}".format, count_up()):
        if name not in taken:
            taken.add(name)
            yield name


def write_tiles(
    pair: Pair, size: tuple[int, int], names: Sequence[str], tile: int, folder: Path
) -> list[Pair]:
    """Write a scene of (height, width) into a data folder: as tiles of these names, or as it is for one.

    Tiles have all bands of the scene, LZW with a horizontal predictor; masks come out as 0 and 255. Returns
    the files of each tile. Raises FileError where a file cannot be read, or be cut without loss, and OSError
    where a tile cannot be written.
    """
    for part in ("image", "gt", *(["ignore"] if pair.ignore else [])):
        (folder / part).mkdir(exist_ok=True)
    if len(names) == 1:
        return [_copy(pair, names[0], folder)]
    bands = read_bands(pair.image)
    masks = {"gt": read_mask(pair.label, size)}
    if pair.ignore:
        masks["ignore"] = read_mask(pair.ignore, size)
    for name, (top, left) in zip(names, tile_corners(size, tile), strict=True):
        window = np.s_[top : top + tile, left : left + tile]
        write_bands(folder / "image" / f"{name}.tif", bands, window)
        for part, mask in masks.items():
            _write_mask(folder / part / f"{name}.png", mask[window])
    return [_pair(folder, name, ".tif", pair.ignore is not None) for name in names]


def _copy(pair: Pair, name: str, folder: Path) -> Pair:
    copy = _pair(folder, name, pair.image.suffix, pair.ignore is not None)
    for source, target in zip(pair.files, copy.files, strict=True):
        shutil.copyfile(source, target)
    return copy


def _pair(folder: Path, name: str, suffix: str, ignore: bool) -> Pair:
    image, label = folder / "image" / f"{name}{suffix}", folder / "gt" / f"{name}.png"
    return Pair(image, label, folder / "ignore" / f"{name}.png" if ignore else None)


def _write_mask(path: Path, mask: np.ndarray) -> None:
    if not cv2.imwrite(str(path), np.where(mask != 0, 255, 0).astype(np.uint8)):
        raise OSError(f"cannot write {path}")
