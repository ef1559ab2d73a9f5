"""Scenes to score that are trained on under another name or in another folder, found by their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from train_offline.data.folder import LabelledScene
from train_offline.data.sources import Source
from train_offline.data.split.groups import scene_of


def shared_scenes(
    data: Sequence[Path], train: Sequence[Source], val_folders: Sequence[Path], val: Sequence[Source]
) -> list[str]:
    """Return a warning for each folder to score with a scene that is, or overlaps, one trained on elsewhere.

    Such as tiles that were split apart from the scenes they were cut from. Only files of one scene by their
    names are compared.
    """
    known: dict[str, list[tuple[Path, LabelledScene]]] = {}
    for folder, source in zip(data, train, strict=True):
        for scene in source.scenes:
            known.setdefault(scene_of(scene.name), []).append((folder, scene))
    warnings = []
    for folder, source in zip(val_folders, val, strict=True):
        shared = [
            (scored.name, where / "image" / trained.name)
            for scored in source.scenes
            for where, trained in known.get(scene_of(scored.name), [])
            if where.resolve() != folder.resolve() and _overlap(scored.image, trained.image)
        ]
        if shared:
            name, other = shared[0]
            warnings.append(f"{folder}: {name} has pixels of {other}, which is trained on; no fair score")
    return warnings


def _overlap(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether the smaller of two images [H, W, 3] is a part of the larger one, or both the same."""
    large, small = (one, other) if one.size >= other.size else (other, one)
    height, width = small.shape[:2]
    middle = small[height // 2].tobytes()
    for y in range(height // 2, large.shape[0] - height + height // 2 + 1):
        row, at = large[y].tobytes(), -1
        while (at := row.find(middle, at + 1)) >= 0:
            top, left = y - height // 2, at // 3
            if at % 3 == 0 and np.array_equal(large[top : top + height, left : left + width], small):
                return True
            if small[height // 2].min() == small[height // 2].max():
                break  # a row of one value is found everywhere, and one place of it is enough
    return False
