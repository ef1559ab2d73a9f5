"""Data folders read for training, each through the cache of decoded scenes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from train_offline.data import cache
from train_offline.data.crops.sampler import Source
from train_offline.data.folder import listed_pairs


def load_sources(
    folders: Sequence[tuple[Path, float]], list_name: str, cache_folder: Path | None = None
) -> list[Source]:
    """The scenes of folders that have a weight each, under names that differ; as load_source."""
    names = _different_names([folder for folder, _ in folders])
    return [
        load_source(folder, weight, list_name, cache_folder, name)
        for (folder, weight), name in zip(folders, names, strict=True)
    ]


def load_source(
    folder: Path, weight: float, list_name: str, cache_folder: Path | None = None, name: str | None = None
) -> Source:
    """The scenes that DIR/`list_name` lists (all where there is no list), decoded and memory-mapped.

    Raises UsageError naming the first file that cannot be used, before any training time is spent.
    """
    pairs = listed_pairs(folder, list_name)
    kept_as = f"{folder.resolve().name}-{Path(list_name).stem}"
    scenes, sha256 = cache.cached_scenes(pairs, kept_as, cache_folder or cache.default_folder())
    return Source(name or folder.name, weight, scenes, sha256)


def _different_names(folders: list[Path]) -> list[str]:
    """The folders' own names, after as many of their parents' as it takes to tell them apart."""
    paths = [folder.absolute().parts for folder in folders]
    return ["/".join(_shortest_own_end(parts, paths)) for parts in paths]


def _shortest_own_end(parts: tuple[str, ...], paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    ends = (parts[-length:] for length in range(1, len(parts)))
    return next((end for end in ends if sum(other[-len(end) :] == end for other in paths) == 1), parts)
