"""What makes a training pointless, found before it starts: nothing to learn from, or validation on itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from infer.errors import FileError, UsageError
from train_offline.data.folder import IGNORED, LabelledScene, Pair, list_name, listed_pairs
from train_offline.data.split.groups import scene_of

_CLASSES = (("background", "255 everywhere"), ("ice", "no 255"))  # by label, with what the masks then are


def require_trainable(folders: Sequence[Path], scenes: Sequence[Sequence[LabelledScene]]) -> None:
    """Raise UsageError naming the folder: one scene only in all of them, or only one of the two classes.

    Args:
        folders: the data folders to train on.
        scenes: the scenes of each that the training will draw from.
    """
    every = [scene for own in scenes for scene in own]
    where = " and ".join(str(folder / "gt") for folder in folders)
    if len(every) == 1:
        raise UsageError(
            f"{' and '.join(map(str, folders))}: one scene only ({every[0].name}) to train on",
            "; add scenes, or another folder with {data}",
        )
    for value, (name, looks) in enumerate(_CLASSES):
        if not any((scene.label == value).any() for scene in every):
            raise UsageError(
                f"{where}: no pixel of {name} that counts in any of the {len(every)} masks to train on "
                f"({looks}, or ignored); a network cannot learn from one class"
            )


def require_scorable(folders: Sequence[Path], scenes: Sequence[Sequence[LabelledScene]]) -> None:
    """Raise FileError for a folder to score (scenes: those of each) of which every pixel is ignored.

    Its scores, and with them the mean that the best checkpoint is chosen by, would be NaN for good.
    """
    for folder, own in zip(folders, scenes, strict=True):
        if all((scene.label == IGNORED).all() for scene in own):
            reason = f"every pixel of its {len(own)} scenes to score is ignored"
            raise FileError(folder, reason, "; take it out of {val}")


def require_different(setting: str, folders: Sequence[Path]) -> None:
    """Raise FileError for a folder that the setting, "data" or "val", gives twice, by whatever paths."""
    seen: set[Path] = set()
    remedy = "; give it once" + " ({data} DIR:2 counts it double)" * (setting == "data")
    for folder in folders:
        if folder.resolve() in seen:
            raise FileError(folder, "is given twice", remedy, setting=setting)
        seen.add(folder.resolve())


def require_apart(data: Sequence[Path], val: Sequence[Path], fold: int | None = None) -> list[str]:
    """Return what to warn of where scenes to train on are scored too, one line for each folder of `val`.

    A scene file that a train.csv and a val.csv both list is a mistake, by which the best checkpoint would be
    chosen: FileError naming the list and the file. A folder without lists that is given to both sides as a
    whole, and tiles of one scene on both sides, may be meant; they are only warned of.
    """
    train_list = list_name("train", fold)
    train = {path: folder.resolve() for folder in data for path in _paths(listed_pairs(folder, train_list))}
    warnings = [_overlap(folder, train, fold) for folder in val]
    return [warning for warning in warnings if warning]


def _overlap(folder: Path, train: dict[Path, Path], fold: int | None) -> str | None:
    """Return what to warn of for one folder to score, None for nothing; `train`: a folder for each scene."""
    train_list, val_list = list_name("train", fold), list_name("val", fold)
    pairs = listed_pairs(folder, val_list)
    shared = [path for path in _paths(pairs) if path in train]
    if shared and _has_lists(folder) and _has_lists(train[shared[0]]):
        reason = (
            f"lists {shared[0].name}, which {train[shared[0]] / train_list} lists too "
            f"({len(shared)} of {len(pairs)} such scenes)"
        )
        raise FileError(folder / val_list, reason, "; make both anew with ./run.sh split")
    if shared:
        return f"{folder}: trains on {len(shared)} of the scenes it scores; no measure of accuracy"
    scenes = {scene_of(path.stem) for path, source in train.items() if source == folder.resolve()}
    tiles = [pair.name for pair in pairs if scene_of(pair.name) in scenes]
    if not tiles:
        return None
    return f"{folder}: by its name {tiles[0]} of {val_list} is a tile of a scene in {train_list}"


def _paths(pairs: Sequence[Pair]) -> list[Path]:
    return [pair.image.resolve() for pair in pairs]


def _has_lists(folder: Path) -> bool:
    return any(os.path.isfile(folder / name) for name in ("train.csv", "val.csv"))
