"""The scenes of data folders that a training draws from, each read through the cache of decoded scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from train_offline.data import cache
from train_offline.data.folder import LabelledScene, list_in, listed_pairs
from train_offline.data.rules.finding import Side
from train_offline.data.rules.rows import once


@dataclass(frozen=True)
class Source:
    """The scenes of one data folder and the weight with which crops are drawn from it.

    sha256: of the scenes' names and decoded pixels, empty where they were not read from files.
    """

    name: str
    weight: float
    scenes: list[LabelledScene]
    sha256: str = ""

    @cached_property
    def with_ice(self) -> list[LabelledScene]:
        """The scenes that hold ice."""
        return [scene for scene in self.scenes if (scene.label == 1).any()]


def side_of(folder: Path, list_name: str) -> Side:
    """Return the scenes that DIR/`list_name` lists (all without a list), not read yet; as listed_pairs."""
    return Side(folder, list_in(folder, list_name), listed_pairs(folder, list_name))


def load_sources(
    sides: Sequence[Side],
    weights: Sequence[float],
    list_name: str,
    cache_folder: Path | None = None,
    scored: bool = False,
) -> list[tuple[Source, Side]]:
    """Return the scenes of sides that have a weight each, decoded and memory-mapped, under names that differ.

    list_name: that was asked for, part of the name of the decoded scenes. scored: a scene that a list names
    again counts once. Raises FileError for the first file that cannot be used.
    """
    names = _different_names([side.folder for side in sides])
    kept = cache_folder or cache.default_folder()
    return [
        _load(side, weight, list_name, kept, name, scored)
        for side, weight, name in zip(sides, weights, names, strict=True)
    ]


def _load(
    side: Side, weight: float, list_name: str, kept: Path, name: str, scored: bool
) -> tuple[Source, Side]:
    pairs = once([*side.pairs]) if scored else [*side.pairs]
    decoded = cache.cached_scenes(pairs, f"{side.folder.resolve().name}-{Path(list_name).stem}", kept)
    read = replace(side, pairs=pairs, facts=decoded.facts, scenes=decoded.scenes)
    return Source(name, weight, decoded.scenes, decoded.sha256), read


def _different_names(folders: list[Path]) -> list[str]:
    """Return the folders' own names, after as many of their parents' as it takes to tell them apart."""
    paths = [folder.absolute().parts for folder in folders]
    return ["/".join(_shortest_own_end(parts, paths)) for parts in paths]


def _shortest_own_end(parts: tuple[str, ...], paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    ends = (parts[-length:] for length in range(1, len(parts)))
    return next((end for end in ends if sum(other[-len(end) :] == end for other in paths) == 1), parts)
