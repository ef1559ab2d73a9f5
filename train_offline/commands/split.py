"""Divide a data folder into train.csv and val.csv, by scene: tiles of one scene stay on one side.

python -m train_offline.commands.split DIR [--val-share 0.1 | --folds K] [--seed 0] [--tile 512 --output DIR]

Scenes that look alike stay on one side too, and both sides have about the same mixture of scenes with much,
little and no ice. With --folds K the lists train-0.csv, val-0.csv ... train-<K-1>.csv, val-<K-1>.csv are
written (every scene is in one val list), and train.csv and val.csv are those of fold 0.
"""

from __future__ import annotations

if __name__ == "__main__":  # before the imports, which take seconds
    from train_offline.runtime.signals import leave_at_once

    leave_at_once("split")

import sys
from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from tqdm import tqdm

from infer.errors import UsageError
from train_offline.data.folder import IGNORED, Pair, pairs_in, read_scene
from train_offline.data.makers.cut_tiles import starts, tile_names, write_tiles
from train_offline.data.split.groups import Facts, Group, deal, group, scene_of
from train_offline.data.split.lists import lists_of, write_lists
from train_offline.data.split.settings import SplitSettings, parse
from train_offline.data.split.similar import Signature, signature
from train_offline.runtime.files import new_folder
from train_offline.runtime.program import run
from train_offline.runtime.threads import in_threads


def facts_of(pair: Pair, by_name: bool = False) -> Facts:
    """Read one scene; `by_name` saves the hash. Raises UsageError naming a file that cannot be used."""
    scene = read_scene(pair)
    ice, ignored = int((scene.label == 1).sum()), int((scene.label == IGNORED).sum())
    looks = Signature(None, None) if by_name else signature(scene.image)
    return Facts(pair.name, scene.label.shape, ice, scene.label.size - ignored, looks)


def divide(facts: Sequence[Facts], settings: SplitSettings) -> tuple[list[Group], list[list[int]]]:
    """The groups, and the files (their indices, rising) of each val list: one list, or one for each fold.

    Raises UsageError when there are too few groups of scenes for that.
    """
    groups = group(facts, settings.scene_name, settings.by_name)
    needed = settings.folds or 2
    if len(groups) < needed:
        raise UsageError(f"{settings.folder}: {_too_few(groups, needed)}")
    shares = [1 / needed] * needed if settings.folds else [settings.val_share, 1 - settings.val_share]
    sides = deal(groups, shares, settings.seed)
    lists = [sorted(index for one in side for index in one.members) for side in sides]
    return groups, lists if settings.folds else lists[:1]


def split(settings: SplitSettings) -> str:
    """Read, divide, cut if asked to, and write the lists; returns what to tell the user."""
    pairs = pairs_in(settings.folder)
    read = partial(facts_of, by_name=settings.by_name)
    facts = in_threads(read, pairs, "read")
    groups, val_lists = divide(facts, settings)
    told = _describe(settings, facts, groups, lists_of(facts, val_lists))
    if settings.output is None or settings.tile is None:
        write_lists(settings.folder, lists_of(pairs, val_lists))
        return told
    with new_folder(settings.output) as folder:
        tiles = _cut(settings, pairs, facts, folder)
        lists = lists_of(tiles, val_lists)
        write_lists(folder, {name: list(chain.from_iterable(chosen)) for name, chosen in lists.items()})
    count = sum(len(own) for own in tiles)
    return f"{told}\n{settings.output}: {count} files of at most {settings.tile} pixels a side on these lists"


def _cut(
    settings: SplitSettings, pairs: Sequence[Pair], facts: Sequence[Facts], folder: Path
) -> list[list[Pair]]:
    """Write all scenes into the new data folder; returns the tiles of each."""
    tile = settings.tile
    counts = [len(starts(one.size[0], tile)) * len(starts(one.size[1], tile)) for one in facts]
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


def _too_few(groups: Sequence[Group], needed: int) -> str:
    scenes = [scene for one in groups for scene in one.scenes]
    if len(scenes) == 1:
        hint = "; names that end in _<number> are tiles of one scene unless --scene-name says otherwise"
        return f"cannot be split, it holds one scene only ({scenes[0]})" + hint * (len(groups[0].members) > 1)
    if len(scenes) < needed:
        return f"cannot be split into {needed}, it holds {len(scenes)} scenes only"
    return (
        f"cannot be split into {needed}, its {len(scenes)} scenes form {len(groups)} group(s) that look "
        f"alike ({', '.join(scenes[:3])} ...); add other scenes, or split by names alone with --by-name"
    )


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run("split", lambda: print(split(parse(argv))))


if __name__ == "__main__":
    sys.exit(main())
