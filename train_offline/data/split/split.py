"""Divide a data folder into lists by scene, and cut its scenes into tiles where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from tqdm import tqdm

from infer.errors import FileError
from train_offline.data.crops.tiling import tile_corners
from train_offline.data.facts.facts import Facts
from train_offline.data.facts.inspect import inspect
from train_offline.data.facts.scene_name import scene_of
from train_offline.data.folder import Pair, pairs_in
from train_offline.data.makers.cut_tiles import tile_names, write_tiles
from train_offline.data.rules.all_rules import after_reading, notes_of
from train_offline.data.rules.finding import Side
from train_offline.data.split.groups import Group, deal, group
from train_offline.data.split.lists import lists_of, write_lists
from train_offline.data.split.settings import SplitSettings
from train_offline.runtime.files import new_folder
from train_offline.runtime.threads import in_threads


def split(settings: SplitSettings) -> str:
    """Read, divide, cut if asked to, and write the lists; returns what to tell the user.

    Raises UsageError for a folder or a file that cannot be used, and for too few groups of scenes.
    """
    pairs = pairs_in(settings.folder)
    facts = in_threads(partial(facts_of, by_name=settings.by_name), pairs, "read")
    groups, val_lists = divide(facts, settings)
    notes = _notes(settings.folder, lists_of(list(zip(pairs, facts, strict=True)), val_lists))
    told = "\n".join([_describe(settings, facts, groups, lists_of(facts, val_lists)), *notes])
    if settings.output is None or settings.tile is None:
        kept = write_lists(settings.folder, lists_of(pairs, val_lists))
        return f"{told}\n{kept}: the lists that were there before" if kept else told
    with new_folder(settings.output) as folder:
        tiles = _cut(settings, settings.tile, pairs, facts, folder)
        lists = lists_of(tiles, val_lists)
        write_lists(folder, {name: list(chain.from_iterable(chosen)) for name, chosen in lists.items()})
    count = sum(len(own) for own in tiles)
    return f"{told}\n{settings.output}: {count} files of at most {settings.tile} pixels a side on these lists"


def facts_of(pair: Pair, by_name: bool = False) -> Facts:
    """Read one scene; `by_name` saves the hash. Raises FileError for a file that cannot be used."""
    return inspect(pair, hashed=not by_name).scene()[1]


def divide(facts: Sequence[Facts], settings: SplitSettings) -> tuple[list[Group], list[list[int]]]:
    """Return the groups, and the files (indices, rising) of each val list: one list, or one for each fold.

    Raises FileError when there are too few groups of scenes for that.
    """
    groups = group(facts, settings.scene_name, settings.by_name)
    needed = settings.folds or 2
    if len(groups) < needed:
        raise _too_few(settings.folder, groups, needed)
    shares = [1 / needed] * needed if settings.folds else [settings.val_share, 1 - settings.val_share]
    sides = deal(groups, shares, settings.seed)
    lists = [sorted(index for one in side for index in one.members) for side in sides]
    return groups, lists if settings.folds else lists[:1]


def _cut(
    settings: SplitSettings, tile: int, pairs: Sequence[Pair], facts: Sequence[Facts], folder: Path
) -> list[list[Pair]]:
    """Write all scenes into the new data folder; returns the tiles of each."""
    counts = [len(tile_corners(one.size, tile)) for one in facts]
    scenes = [scene_of(one.name, settings.scene_name) for one in facts]
    names = tile_names([one.name for one in facts], scenes, counts)
    work = zip(pairs, facts, names, strict=True)
    bar = tqdm(work, "cut", len(pairs), unit="scene", disable=None, leave=False)
    return [write_tiles(pair, one.size, own, tile, folder) for pair, one, own in bar]


def _describe(
    settings: SplitSettings, facts: Sequence[Facts], groups: Sequence[Group], lists: dict[str, list[Facts]]
) -> str:
    alike = [one for one in groups if len(one.scenes) > 1]
    head = f"{settings.folder}: {sum(len(one.scenes) for one in groups)} scenes in {len(facts)} files"
    if alike:
        together = sum(len(one.scenes) for one in alike)
        head += f"; {together} of them look like others and stay together, in {len(alike)} groups"
        largest = max(alike, key=lambda one: len(one.scenes)).scenes
        head += f" (the largest: {', '.join(largest[:4])}{' ...' * (len(largest) > 4)})"
    lines = [head]
    for name, chosen in lists.items():
        ice = sum(one.ice for one in chosen) / max(1, sum(one.counted for one in chosen))
        with_ice = sum(one.ice > 0 for one in chosen)
        lines.append(f"{name:<12} {len(chosen):>6} files, {with_ice} with ice, {ice:.1%} of their pixels")
    return "\n".join(lines)


def _notes(folder: Path, lists: dict[str, list[tuple[Pair, Facts]]]) -> list[str]:
    """Return what a training would refuse these lists for, or what it would say of them."""
    sides = {
        name: Side(folder, name, [pair for pair, _ in chosen], [one for _, one in chosen])
        for name, chosen in lists.items()
    }
    stops, looks = [], []
    for name, side in sides.items():
        if name.startswith("train"):
            val = sides[name.replace("train", "val", 1)]
            findings = after_reading([side], [val])
            stops += [str(one) for one in findings if one.stops]
            looks += [one for one in findings if not one.stops]
    return stops + notes_of(looks)


def _too_few(folder: Path, groups: Sequence[Group], needed: int) -> FileError:
    scenes = [scene for one in groups for scene in one.scenes]
    if len(scenes) == 1:
        remedy = "; names that end in _<number> are tiles of one scene unless {scene_name} says otherwise"
        reason = f"cannot be split, it holds one scene only ({scenes[0]})"
        return FileError(folder, reason, remedy * (len(groups[0].members) > 1))
    if len(scenes) < needed:
        return FileError(folder, f"cannot be split into {needed}, it holds {len(scenes)} scenes only")
    reason = (
        f"cannot be split into {needed}, its {len(scenes)} scenes form {len(groups)} group(s) that look "
        f"alike ({', '.join(scenes[:3])} ...)"
    )
    return FileError(folder, reason, "; add other scenes, or split by names alone with {by_name}")
