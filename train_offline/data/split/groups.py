"""Which scenes must stay on one side of a split, and how the groups of them are dealt out to the sides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from train_offline.data.facts.facts import Facts
from train_offline.data.facts.scene_name import SCENE_NAME, scene_of
from train_offline.data.facts.similar import linked, similar_pairs

ICE_STEPS = (0.0, 0.05, 0.2, 0.5)  # a stratum has more ice than one step and at most as much as the next


@dataclass(frozen=True)
class Group:
    """Scene files that stay together.

    scenes: their scenes, in order. members: indices of the files. ice: share of their counted pixels, 0 to 1.
    """

    scenes: list[str]
    members: list[int]
    ice: float


def group(facts: Sequence[Facts], pattern: str = SCENE_NAME, by_name: bool = False) -> list[Group]:
    """Group files of one scene, and scenes of which any two files look alike (unless `by_name`)."""
    scenes = [scene_of(one.name, pattern) for one in facts]
    first: dict[str, int] = {}
    pairs = [(first.setdefault(scene, index), index) for index, scene in enumerate(scenes)]
    if not by_name:
        pairs += similar_pairs([one.signature for one in facts])
    groups = []
    for members in linked(len(facts), pairs):
        ice, counted = sum(facts[i].ice for i in members), sum(facts[i].counted for i in members)
        groups.append(Group(sorted({scenes[i] for i in members}), members, ice / max(1, counted)))
    return groups


def stratum(ice: float) -> int:
    """Return 0 for a share of exactly nothing, then one stratum for each step of ICE_STEPS."""
    return sum(ice > step for step in ICE_STEPS)


def deal(groups: Sequence[Group], shares: Sequence[float], seed: int) -> list[list[Group]]:
    """Deal the groups out to sides; the scenes of each are as near to its share as whole groups allow.

    Stratified by systematic sampling (Cochran 1977, chapter 8): the strata stand in a line, each shuffled
    within, and every next group goes to the side that is most scenes behind its share. What one stratum
    cannot give in whole groups is made up in the next. No side is empty if there are as many groups as sides.

    The shuffle is by SHA-256 of seed and name: the same on every machine, with every version of Python and
    NumPy, and little changed by a scene more or less.
    """
    line = sorted(groups, key=lambda one: (stratum(one.ice), _number(seed, one.scenes[0])))
    start = [_number(seed, f"side {side}") for side in range(len(shares))]
    behind = [number - sum(start) / len(start) for number in start]
    sides: list[list[Group]] = [[] for _ in shares]
    for one in line:
        behind = [scenes + share * len(one.scenes) for scenes, share in zip(behind, shares, strict=True)]
        next_side = behind.index(max(behind))
        behind[next_side] -= len(one.scenes)
        sides[next_side].append(one)
    for side in sides:
        if not side:
            giver = max(sides, key=len)
            side.append(giver.pop(giver.index(min(giver, key=lambda one: len(one.scenes)))))
    return sides


def _number(seed: int, text: str) -> float:
    """Return a number of at least 0 and below 1, as good as random, and exact in a float."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{text}".encode()).digest()[:6], "big") / 2**48
