"""Rules that keep scenes to train on and scenes to score apart: by their files, their names, their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from train_offline.data.facts.scene_name import scene_of
from train_offline.data.facts.similar import similar_pairs
from train_offline.data.folder import Pair, within
from train_offline.data.rules.finding import DataFinding, Side
from train_offline.runtime.files import real_path

APART = "leave them on one of both sides"


def apart_by_name(train: Sequence[Side], val: Sequence[Side]) -> list[DataFinding]:
    """Find scenes to score that are trained on, by their files, or by the names of tiles.

    A scene file that two lists name is a mistake, by which the best checkpoint would be chosen: it stops. A
    folder without lists that is given to both sides as a whole, and tiles of one scene, may be meant.
    """
    known = {real_path(pair.image): side for side in train for pair in side.pairs}
    findings = []
    for side in val:
        shared = [pair for pair in side.pairs if real_path(pair.image) in known]
        if shared:
            findings.append(_shared(side, shared, known[real_path(shared[0].image)]))
            continue
        names = {scene_of(pair.name) for one in train if _same(one, side) for pair in one.pairs}
        tiles = [pair for pair in side.pairs if scene_of(pair.name) in names]
        if tiles:
            what = f"holds tiles of scenes to train on, by their names: {side.named(tiles)}"
            findings.append(side.finding(what, APART))
    return findings


def apart_by_pixels(train: Sequence[Side], val: Sequence[Side]) -> list[DataFinding]:
    """Find scenes to score that have the pixels of scenes to train on, or look like them, under any name."""
    known = [(side, pair, one) for side in train for pair, one in side.usable]
    findings = []
    for side in val:
        own = side.usable
        signatures = [one.signature for *_, one in known] + [one.signature for _, one in own]
        same: dict[Path, tuple[Pair, Pair, Side]] = {}
        alike: dict[Path, tuple[Pair, Pair, Side]] = {}
        for first, second in similar_pairs(signatures):
            if first >= len(known) or second < len(known):
                continue
            (where, trained, facts), (scored, of_scored) = known[first], own[second - len(known)]
            if _told_by_name(where, trained, side, scored):
                continue
            equal = facts.signature.pixels == of_scored.signature.pixels
            (same if equal else alike).setdefault(scored.image, (scored, trained, where))
        parts = {} if same else _parts(train, side)
        findings += _seen(side, same, "have the pixels of scenes to train on")
        findings += _seen(side, parts, "are a part of scenes to train on, or the whole of tiles")
        findings += _seen(
            side, {k: v for k, v in alike.items() if k not in same}, "look like scenes to train on"
        )
    return findings


def _shared(side: Side, shared: Sequence[Pair], where: Side) -> DataFinding:
    if side.list_name is None or where.list_name is None:
        what = f"trains on {len(shared)} of the scenes it scores: no measure of accuracy"
        return side.finding(what, "score other scenes")
    listed = where.list_name if _same(where, side) else str(where.folder / where.list_name)
    return side.finding(f"shares {side.named(shared)} with {listed}", APART, stops=True)


def _seen(side: Side, found: dict[Path, tuple[Pair, Pair, Side]], how: str) -> list[DataFinding]:
    if not found:
        return []
    scored, trained, where = next(iter(found.values()))
    other = where.folder / within(where.folder, trained.image)
    what = (
        f"{len(found)} of its scenes to score {how}: {within(side.folder, scored.image)} and {other} for one"
    )
    return [side.finding(f"{what}; no fair score", APART)]


def _told_by_name(where: Side, trained: Pair, side: Side, scored: Pair) -> bool:
    """Tell whether apart_by_name speaks of these two."""
    tiles = _same(where, side) and scene_of(trained.name) == scene_of(scored.name)
    return tiles or real_path(trained.image) == real_path(scored.image)


def _same(one: Side, other: Side) -> bool:
    return real_path(one.folder) == real_path(other.folder)


def _parts(train: Sequence[Side], side: Side) -> dict[Path, tuple[Pair, Pair, Side]]:
    """Find tiles that were split apart from the scenes they were cut from; by name they are of one scene."""
    known: dict[str, list[tuple[Side, int]]] = {}
    for one in train:
        for index in range(0 if _same(one, side) else len(one.scenes)):
            known.setdefault(scene_of(one.scenes[index].name), []).append((one, index))
    found = {}
    for scored, pair in zip(side.scenes, side.pairs, strict=False):
        for where, index in known.get(scene_of(scored.name), []):
            if _overlap(scored.image, where.scenes[index].image):
                found[pair.image] = pair, where.pairs[index], where
    return found


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
