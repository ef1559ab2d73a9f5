"""Random training crops from one or several data folders, decoded once and kept in memory as uint8."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from train_offline import augment
from train_offline.folder import IGNORED, LabelledScene, listed_pairs, read_scene

AUGMENTATIONS = ("none", "geometry", "strong")


@dataclass(frozen=True)
class Source:
    """The scenes of one data folder and the weight with which crops are drawn from it."""

    name: str
    weight: float
    scenes: list[LabelledScene]


@dataclass(frozen=True)
class CropSettings:
    """size: side of a crop in pixels. scale: the range of resampling factors, drawn log-uniformly.

    augmentation: "none"; "geometry" = scale, flips and turns; "strong" = these and new colours for the share
    `recolour` of the crops; the others keep the network in touch with the colours as they are.
    """

    size: int = 256
    scale: tuple[float, float] = (0.5, 2.0)
    augmentation: str = "strong"
    recolour: float = 1.0


def load_source(folder: Path, weight: float, list_name: str, threads: int = 4) -> Source:
    """Decode the scenes that DIR/`list_name` lists (all where there is no list).

    Raises UsageError naming the first file that cannot be used, before any training time is spent.
    """
    pairs = listed_pairs(folder, list_name)
    with ThreadPoolExecutor(threads) as pool:
        return Source(folder.name, weight, list(pool.map(read_scene, pairs)))


class Crops(Dataset):
    """One epoch of crops, each a pure function of (seed, epoch, index): no worker and no resuming changes it.

    An item is (image uint8 [size, size, 3] RGB, label uint8 [size, size]: 0, 1 or 255 = ignored). A source is
    drawn by its weight, then a scene by its number of pixels, then a place, a scale and the augmentation.
    """

    def __init__(
        self, sources: list[Source], settings: CropSettings, seed: int, epoch: int, count: int, start: int = 0
    ) -> None:
        """`start`: how many of the epoch's `count` crops are used already, when it was interrupted."""
        self._sources = sources
        self._settings = settings
        self._key = (seed, epoch)
        self._start, self._count = start, count
        self._chance = _shares([source.weight for source in sources])
        self._scene_chance = [_shares([scene.label.size for scene in source.scenes]) for source in sources]

    def __len__(self) -> int:
        return self._count - self._start

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng([*self._key, self._start + index])
        source = rng.choice(len(self._sources), p=self._chance)
        scenes = self._sources[source].scenes
        scene = scenes[rng.choice(len(scenes), p=self._scene_chance[source])]
        image, label = draw_crop(scene, self._settings, rng)
        return torch.from_numpy(image), torch.from_numpy(label)


def draw_crop(
    scene: LabelledScene, settings: CropSettings, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A random window of the scene, resampled to size x size (labels by nearest neighbour), then augmented.

    A scene too small for the drawn scale is enlarged as far as the largest scale allows; what is still
    missing is padded: reflected pixels, label 255.
    """
    size, (low, high) = settings.size, settings.scale
    if settings.augmentation == "none":
        low = high = 1.0
    smaller_side = min(scene.label.shape)
    scale = max(np.exp(rng.uniform(np.log(low), np.log(high))), min(high, size / smaller_side))
    window = round(size / scale)
    top, left = (int(rng.integers(max(0, side - window) + 1)) for side in scene.label.shape)
    image = scene.image[top : top + window, left : left + window]
    label = scene.label[top : top + window, left : left + window]
    image, label = _pad(image, label, window)
    if window != size:
        shrinking = window > size
        image = cv2.resize(
            image, (size, size), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC
        )
        label = cv2.resize(label, (size, size), interpolation=cv2.INTER_NEAREST_EXACT)
    if settings.augmentation != "none":
        image, label = augment.turn(image, label, rng)
    if settings.augmentation == "strong" and rng.random() < settings.recolour:
        image = augment.randomise(image, rng)
    return np.array(image), np.array(label)  # copies: nothing a caller does may reach the scene in memory


def _pad(image: np.ndarray, label: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    below, right = window - label.shape[0], window - label.shape[1]
    if below or right:
        image = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REFLECT)
        label = cv2.copyMakeBorder(label, 0, below, 0, right, cv2.BORDER_CONSTANT, value=IGNORED)
    return image, label


def _shares(amounts: list[float]) -> np.ndarray:
    amounts = np.asarray(amounts, np.float64)
    return amounts / amounts.sum()
