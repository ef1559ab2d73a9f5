"""The embedded validation split: 20 fixed scenes that every machine draws for itself."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from train_offline.scenery.batch import Order, write_orders

VERSION = "4"  # raise it when any pixel changes: folders of other versions are then drawn anew
SEED = 20210101
STAMP = "VERSION"
LIST = "val.csv"
# (size, scenes, scenes with ice). In the challenge one tile in four holds ice; here two scenes in five do, so
# that every size has ice to score and the score of ice does not hang on two or three scenes.
CONTENT = ((512, 14, 5), (1024, 4, 2), (2048, 2, 1))


def embedded_orders() -> list[Order]:
    """The 20 scenes of the split, in the order of val.csv."""
    orders = []
    for size, count, with_ice in CONTENT:
        for i in range(count):
            # Ice scenes stand apart, so that any run of a few scenes holds both kinds.
            ice = (i * with_ice) % count < with_ice
            orders.append(Order(f"e{size}_{i:02d}", SEED + 100 * size + i, size, ice))
    return orders


def write_embedded_split(
    folder: Path, workers: int | None = None, orders: Sequence[Order] | None = None
) -> Path:
    """Draws the split into `folder`, which must be absent or empty; returns the folder.

    workers: processes, None for one per core. orders: what to draw, None for the 20 scenes.
    All is written beside it and renamed at the end, so the folder is there whole or not at all.
    Raises OSError where that cannot be done.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        draft.chmod(0o755)  # mkdtemp makes it private; other users of the machine may read the scenes
        write_orders(draft, embedded_orders() if orders is None else orders, LIST, workers)
        (draft / STAMP).write_text(VERSION + "\n")
        draft.rename(folder)  # takes the place of an empty folder, and raises on one that is not
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def embedded_split(folder: Path, workers: int | None = None, orders: Sequence[Order] | None = None) -> Path:
    """The split in `folder`: drawn there if it is absent or of another version. Returns the folder.

    workers, orders: as for write_embedded_split. Raises FileExistsError if the folder holds something that
    is not such a split, OSError if it cannot be written.
    """
    folder = Path(folder)
    if _version(folder) == VERSION:
        return folder
    if _version(folder) is not None:
        shutil.rmtree(folder)
    elif folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise FileExistsError(f"{folder} holds something other than the embedded split: move it away")
    try:
        return write_embedded_split(folder, workers, orders)
    except OSError:
        if _version(folder) == VERSION:  # another process was faster; its scenes are the same
            return folder
        raise


def _version(folder: Path) -> str | None:
    """The version of the split in the folder, None if there is no such split."""
    stamp = folder / STAMP
    return stamp.read_text().strip() if stamp.is_file() and (folder / LIST).is_file() else None
