"""The scenes of data folders that a training draws from, each read through the cache of decoded scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from train_offline.data import cache
from train_offline.data.folder import LabelledScene, listed_pairs


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


def load_sources(
    folders: Sequence[tuple[Path, float]], list_name: str, cache_folder: Path | None = None
) -> list[Source]:
    """Return the scenes of folders that have a weight each, under names that differ; as load_source."""
    names = _different_names([folder for folder, _ in folders])
    return [
        load_source(folder, weight, list_name, cache_folder, name)
        for (folder, weight), name in zip(folders, names, strict=True)
    ]


def load_source(
    folder: Path, weight: float, list_name: str, cache_folder: Path | None = None, name: str | None = None
) -> Source:
    """Return the scenes that DIR/`list_name` lists (all where there is no list), decoded and memory-mapped.

    Raises FileError for the first file that cannot be used, before any training time is spent.
    """
    pairs = listed_pairs(folder, list_name)
    kept_as = f"{folder.resolve().name}-{Path(list_name).stem}"
    scenes, sha256 = cache.cached_scenes(pairs, kept_as, cache_folder or cache.default_folder())
    return Source(name or folder.name, weight, scenes, sha256)


def _different_names(folders: list[Path]) -> list[str]:
    """Return the folders' own names, after as many of their parents' as it takes to tell them apart."""
    paths = [folder.absolute().parts for folder in folders]
    return ["/".join(_shortest_own_end(parts, paths)) for parts in paths]


def _shortest_own_end(parts: tuple[str, ...], paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    ends = (parts[-length:] for length in range(1, len(parts)))
    return next((end for end in ends if sum(other[-len(end) :] == end for other in paths) == 1), parts)
