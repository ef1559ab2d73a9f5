"""All that a training reads: its sources, facts about them, and warnings before it starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infer.errors import UsageError
from train_offline.data.folder import list_name
from train_offline.data.leaks import shared_scenes
from train_offline.data.preflight import require_apart, require_different, require_scorable, require_trainable
from train_offline.data.sources import Source, load_sources
from train_offline.training.checkpoint import Checkpoint
from train_offline.training.config.settings import TrainSettings
from train_offline.training.log.provenance import facts_of


@dataclass(frozen=True)
class TrainData:
    """Scenes to train on and to score; facts: provenance.facts_of; notes: lines for the user."""

    train: list[Source]
    val: list[Source]
    facts: dict[str, Any]
    notes: list[str]

    def __str__(self) -> str:
        return ", ".join(f"{s.name} {len(s.scenes)} scenes x {s.weight:g}" for s in self.train)


def read_data(settings: TrainSettings, saved: Checkpoint | None) -> TrainData:
    """Read all scenes; raises UsageError for data that cannot be read or learned from."""
    data = settings.data
    folders = [folder for folder, _ in data.train]
    require_different("data", folders)
    require_different("val", data.val)
    _require_fold(folders, data.fold)
    notes = require_apart(folders, data.val, data.fold)
    train = load_sources(data.train, list_name("train", data.fold), data.cache)
    require_trainable(folders, [source.scenes for source in train])
    val = load_sources([(folder, 1.0) for folder in data.val], list_name("val", data.fold), data.cache)
    require_scorable(data.val, [source.scenes for source in val])
    notes += shared_scenes(folders, train, data.val, val)
    facts = facts_of(train, val)
    before = saved.facts.get("data_sha256") if saved else None
    if before not in (None, facts["data_sha256"]):
        notes.append("the scenes are not those that the checkpoint was trained on")
    return TrainData(train, val, facts, notes)


def _require_fold(folders: list[Path], fold: int | None) -> None:
    """Raise UsageError where a fold is asked for and no folder has its list; without one all is used."""
    name = list_name("train", fold)
    if fold is not None and not any(os.path.isfile(folder / name) for folder in folders):
        raise UsageError(
            f"fold {fold}: no {name} in {' or '.join(map(str, folders))}",
            "; make it with ./run.sh split --folds N",
        )
