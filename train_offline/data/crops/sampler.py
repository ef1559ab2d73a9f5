"""The crops of a training: which scene and which place the next one is cut from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch.utils.data import Dataset

from train_offline.data.crops.crop import CropSettings, Window, crop_at, draw_crop, mixed, tiles_of
from train_offline.data.folder import LabelledScene
from train_offline.data.sources import Source

Crop = tuple[np.ndarray, np.ndarray]  # image uint8 [S, S, 3] RGB, label uint8 [S, S]: 0, 1 or 255 = ignored


class CropSampler(Protocol):
    """Draws the crop of an index; uses no other randomness than the generator and its own seed."""

    def draw(self, index: int, rng: np.random.Generator) -> Crop:
        """Return the crop of an index, counted through all epochs."""


class WeightedSampler:
    """A source by its weight, then a scene by its number of pixels, then a place and a scale."""

    def __init__(self, sources: list[Source], settings: CropSettings) -> None:
        self._settings = settings
        self._chance = _shares([source.weight for source in sources])
        self._any = [_by_size(source.scenes) for source in sources]
        wanted = settings.ice_crops > 0
        self._icy = [_by_size(source.with_ice if wanted else []) for source in sources]

    def draw(self, index: int, rng: np.random.Generator) -> Crop:
        """Return a crop that the generator chooses, whatever the index."""
        source = rng.choice(len(self._chance), p=self._chance)
        with_ice = self._settings.ice_crops > 0 and rng.random() < self._settings.ice_crops
        with_ice = with_ice and bool(self._icy[source][0])
        scenes, chance = (self._icy if with_ice else self._any)[source]
        scene = scenes[rng.choice(len(scenes), p=chance)]
        return draw_crop(scene, self._settings, rng, with_ice)


class TileSampler:
    """Every tile of every scene once, in an order shuffled anew for each pass over them.

    Passes follow one another without a gap: where the tiles do not fill the last batch of an epoch, the next
    pass begins in it. So no batch is short, and over a run no tile is drawn more often than another by more
    than one.
    """

    def __init__(self, sources: list[Source], settings: CropSettings, seed: int) -> None:
        self._settings, self._seed = settings, seed
        self._tiles = _tiles(sources, settings.size)
        self._orders: dict[int, np.ndarray] = {}

    def draw(self, index: int, rng: np.random.Generator) -> Crop:
        """Return the tile of an index; the generator augments it."""
        number, place = divmod(index, len(self._tiles))
        scene, window = self._tiles[self._order(number)[place]]
        return crop_at(scene, window, self._settings, rng)

    def _order(self, number: int) -> np.ndarray:
        if number not in self._orders:
            order = np.random.default_rng([self._seed, number, 0, 1])  # of no crop: their keys have 3 numbers
            self._orders[number] = order.permutation(len(self._tiles))
        return self._orders[number]


class Crops(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """One epoch of crops, each a pure function of (seed, epoch, index): no worker and no resuming changes it.

    An item is (image uint8 [size, size, 3] RGB, label uint8 [size, size]: 0, 1 or 255 = ignored).
    """

    def __init__(
        self, sources: list[Source], settings: CropSettings, seed: int, epoch: int, count: int, start: int = 0
    ) -> None:
        """Take up an epoch of `count` crops after its first `start`, which were used before a stop."""
        self._settings = settings
        self._key, self._before = (seed, epoch), epoch * count
        self._start, self._count = start, count
        self._sampler: CropSampler = (
            TileSampler(sources, settings, seed)
            if settings.sampling == "tiles"
            else WeightedSampler(sources, settings)
        )

    def __len__(self) -> int:
        return self._count - self._start

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        index += self._start
        rng = np.random.default_rng([*self._key, index])
        crop = self._sampler.draw(self._before + index, rng)
        if self._settings.mix and rng.random() < self._settings.mix:
            partner = self._before + int(rng.integers(self._count))
            crop = mixed(crop, self._sampler.draw(partner, rng), rng)
        image, label = crop
        return torch.from_numpy(image), torch.from_numpy(label)


def crops_in_epoch(sources: list[Source], settings: CropSettings) -> int:
    """Return how many crops cover all scenes once."""
    if settings.sampling == "tiles":
        return len(_tiles(sources, settings.size))
    return -(-sum(scene.label.size for source in sources for scene in source.scenes) // settings.size**2)


def _tiles(sources: list[Source], size: int) -> list[tuple[LabelledScene, Window]]:
    scenes = (scene for source in sources for scene in source.scenes)
    return [(scene, window) for scene in scenes for window in tiles_of(scene, size)]


def _by_size(scenes: list[LabelledScene]) -> tuple[list[LabelledScene], np.ndarray]:
    return scenes, _shares([scene.label.size for scene in scenes])


def _shares(amounts: Sequence[float]) -> np.ndarray:
    """Return float64 [N]: each amount as a share of all; zeros where all are 0."""
    numbers = np.asarray(amounts, np.float64)
    return np.divide(numbers, max(numbers.sum(), np.finfo(np.float64).tiny))
