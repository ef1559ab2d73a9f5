"""The embedded validation split: 20 fixed scenes that every machine draws for itself."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from infer.errors import FileError
from train_offline.runtime.files import new_folder
from train_offline.scenery.batch import SceneOrder, write_orders

VERSION = "4"  # raise it when any pixel changes: folders of other versions are then drawn anew
SEED = 20210101
STAMP = "VERSION"
LIST = "val.csv"
# (size, scenes, scenes with ice). In the challenge one tile in four holds ice; here two scenes in five do, so
# that every size has ice to score and the score of ice does not hang on two or three scenes.
CONTENT = ((512, 14, 5), (1024, 4, 2), (2048, 2, 1))


def embedded_orders() -> list[SceneOrder]:
    """Return the 20 scenes of the split, in the order of val.csv."""
    orders = []
    for size, count, with_ice in CONTENT:
        for i in range(count):
            # Ice scenes stand apart, so that any run of a few scenes holds both kinds.
            ice = (i * with_ice) % count < with_ice
            orders.append(SceneOrder(f"e{size}_{i:02d}", SEED + 100 * size + i, size, ice))
    return orders


def write_embedded_split(
    folder: Path, workers: int | None = None, orders: Sequence[SceneOrder] | None = None
) -> Path:
    """Draw the split into `folder`, which must be absent or empty; returns the folder.

    workers: processes, None for one per core. orders: what to draw, None for the 20 scenes. The folder is
    there whole or not at all; raises FileError where that cannot be done.
    """
    with new_folder(folder, setting=None) as draft:
        draw_split(draft, workers, orders)
    return folder


def draw_split(folder: Path, workers: int | None = None, orders: Sequence[SceneOrder] | None = None) -> None:
    """Draw the split and the stamp of its version into a folder that is there and empty; raises OSError."""
    write_orders(folder, embedded_orders() if orders is None else orders, LIST, workers)
    (folder / STAMP).write_text(VERSION + "\n")


def embedded_split(
    folder: Path, workers: int | None = None, orders: Sequence[SceneOrder] | None = None
) -> Path:
    """Return the folder of the split, drawn there if it is absent or of another version.

    workers, orders: as for write_embedded_split. Raises FileError if the folder holds something that is not
    such a split, or cannot be written.
    """
    if _version(folder) == VERSION:
        return folder
    if _version(folder) is not None:
        shutil.rmtree(folder)
    elif folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise FileError(folder, "holds something other than the embedded split", ": move it away")
    try:
        return write_embedded_split(folder, workers, orders)
    except FileError:
        if _version(folder) == VERSION:  # another process was faster; its scenes are the same
            return folder
        raise


def _version(folder: Path) -> str | None:
    """Return the version of the split in the folder, None if there is no such split."""
    stamp = folder / STAMP
    return stamp.read_text().strip() if stamp.is_file() and (folder / LIST).is_file() else None
