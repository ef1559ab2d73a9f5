"""All that a training reads: its sources, facts about them, and warnings before it starts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infer.errors import FileError, UsageError
from train_offline.data.folder import list_name
from train_offline.data.rules.all_rules import after_reading, before_reading, notes_of, require_none_stops
from train_offline.data.sources import Source, load_sources, side_of
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
    _require_different("data", folders)
    _require_different("val", data.val)
    _require_fold(folders, data.fold)
    train_list, val_list = list_name("train", data.fold), list_name("val", data.fold)
    sides = [side_of(folder, train_list) for folder in folders]
    scored = [side_of(folder, val_list) for folder in data.val]
    findings = before_reading(sides, scored)
    require_none_stops(findings)
    train = load_sources(sides, [weight for _, weight in data.train], train_list, data.cache)
    val = load_sources(scored, [1.0] * len(scored), val_list, data.cache, scored=True)
    findings += after_reading([side for _, side in train], [side for _, side in val])
    require_none_stops(findings)
    notes = notes_of(findings)
    sources, val_sources = [source for source, _ in train], [source for source, _ in val]
    facts = facts_of(sources, val_sources)
    before = saved.facts.get("data_sha256") if saved else None
    if before not in (None, facts["data_sha256"]):
        notes.append("the scenes are not those that the checkpoint was trained on")
    return TrainData(sources, val_sources, facts, notes)


def _require_different(setting: str, folders: Sequence[Path]) -> None:
    """Raise FileError for a folder that the setting, "data" or "val", gives twice, by whatever paths."""
    seen: set[Path] = set()
    remedy = "; give it once" + " ({data} DIR:2 counts it double)" * (setting == "data")
    for folder in folders:
        if folder.resolve() in seen:
            raise FileError(folder, "is given twice", remedy, setting=setting)
        seen.add(folder.resolve())


def _require_fold(folders: list[Path], fold: int | None) -> None:
    """Raise UsageError where a fold is asked for and no folder has its list; without one all is used."""
    name = list_name("train", fold)
    if fold is not None and not any(os.path.isfile(folder / name) for folder in folders):
        raise UsageError(
            f"fold {fold}: no {name} in {' or '.join(map(str, folders))}",
            "; leave {fold} out, or make the lists of folds with ./run.sh split",
        )
