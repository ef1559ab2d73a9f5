"""Rules on the rows of a list: scenes listed twice, masks of another scene's name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from train_offline.data.folder import SCENE_SUFFIXES, Pair, within
from train_offline.data.near_miss import bare
from train_offline.data.rules.finding import DataFinding, Side
from train_offline.runtime.files import real_path


def of_rows(side: Side, scored: bool) -> list[DataFinding]:
    """Find what is wrong with the rows of a list, by their names alone; scored: it is one to score."""
    findings = _no_scenes(side) + _twice(side, scored) + _of_another_scene(side)
    return findings + _one_mask_file(side) if scored else findings


def once(pairs: list[Pair]) -> list[Pair]:
    """Leave out what a list says again: a scene is scored once."""
    kept: dict[tuple[Path, Path], Pair] = {}
    for pair in pairs:
        kept.setdefault(pair.identity, pair)
    return list(kept.values())


def _no_scenes(side: Side) -> list[DataFinding]:
    """Find rows whose scene is no TIFF file, which no judge takes for one, or is its own mask."""
    odd = [pair for pair in side.pairs if pair.image.suffix.lower() not in SCENE_SUFFIXES]
    odd += [pair for pair in side.pairs if len(set(pair.identity)) == 1]
    if not odd:
        return []
    what = f"lists {within(side.folder, odd[0].image)} as a scene, which is no .tif or its own mask"
    return [side.finding(what, "list a scene and its mask", stops=True)]


def _twice(side: Side, scored: bool) -> list[DataFinding]:
    masks: dict[Path, list[Path]] = {}
    names: dict[Path, str] = {}
    for pair in side.pairs:
        path = real_path(pair.image)
        masks.setdefault(path, []).append(real_path(pair.label))
        names.setdefault(path, within(side.folder, pair.image))
    findings = []
    for path, labels in masks.items():
        if len(labels) == 1:
            continue
        what = f"lists {names[path]} {len(labels)} times"
        if len(set(labels)) > 1:
            what += ", with different masks"
        elif scored:
            what += "; it is scored once"
        findings.append(side.finding(what, "leave one line of them"))
    return findings


def _of_another_scene(side: Side) -> list[DataFinding]:
    """Find rows whose scene and mask have different names: a column may have been moved by a row."""
    scenes = {bare(pair.name) for pair in side.pairs}
    odd = [pair for pair in side.pairs if bare(pair.label.stem) != bare(pair.name)]
    if not odd:
        return []
    moved = [pair for pair in odd if bare(pair.label.stem) in scenes]
    first = (moved or odd)[0]
    image, label = within(side.folder, first.image), within(side.folder, first.label)
    what = f"pairs {len(odd)} of {len(side.pairs)} scenes with masks of other names, {image} with {label}"
    if moved:
        return [
            side.finding(f"{what}, which is named after another scene", "put each scene beside its own mask")
        ]
    return [side.finding(what, "nothing if these are their masks; else put each scene beside its own mask")]


def _one_mask_file(side: Side) -> list[DataFinding]:
    """Find scenes whose masks would have one file name: a judge can score one of them only."""
    names = Counter({path: path.stem for path in {real_path(pair.image) for pair in side.pairs}}.values())
    doubled = [name for name, count in names.items() if count > 1]
    if not doubled:
        return []
    what = f"{names[doubled[0]]} of its scenes have the name {doubled[0]}, and so the same mask"
    return [side.finding(what, "rename all but one, and their masks", stops=True)]
