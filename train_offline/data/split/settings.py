"""The settings of a split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from train_offline.data.facts.scene_name import SCENE_NAME


@dataclass(frozen=True)
class SplitSettings:
    """val_share: share of the scenes, not of their tiles, that go to val.csv; with `folds` it is 1 / folds.

    tile, output: cut scenes larger than `tile` pixels and write all to this new data folder. scene_name: what
    of a file's name is the scene (group 1). by_name: leave out the search for scenes that look alike.
    """

    folder: Path
    val_share: float = 0.1
    folds: int | None = None
    seed: int = 0
    tile: int | None = None
    output: Path | None = None
    scene_name: str = SCENE_NAME
    by_name: bool = False
