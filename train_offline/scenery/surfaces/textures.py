"""Surfaces of real scenes in place of drawn ones: real ice and real ground in the shapes of a drawn coast.

Only the pattern is taken, never the colours: those are the drawn scene's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from infer.errors import FileError
from train_offline.data.folder import LabelledScene, listed_pairs, read_labelled
from train_offline.scenery.noise import Array

SIDES = (192, 128, 96)  # pixels of a patch, tried in turn
PURE = 0.97  # share of a patch that must be of its class
PATCHES_PER_SCENE = 12
TRIES = 200


@dataclass(frozen=True)
class Textures:
    """Patches of one surface each: float32 [S, S, 3], every band with mean 0 and standard deviation 1."""

    ice: tuple[Array, ...] = ()
    ground: tuple[Array, ...] = ()


@dataclass(frozen=True)
class RealScenes:
    """Data folders to take surfaces from: pure ice of `ice`, and of `ground` whatever the scenes show."""

    ice: tuple[Path, ...] = ()
    ground: tuple[Path, ...] = ()


@lru_cache(maxsize=1)
def read_textures(real: RealScenes) -> Textures:
    """Cut always the same patches from the same folders. Raises FileError for what it cannot use."""
    rng = np.random.default_rng(0x7E8)
    return Textures(
        tuple(patch for folder in real.ice for patch in _of_folder(folder, 1, rng)),
        tuple(patch for folder in real.ground for patch in _of_folder(folder, None, rng)),
    )


def lay_ice(rng: np.random.Generator, image: Array, label: Array, patches: Sequence[Array]) -> None:
    """Give the ice of an image, float32 [H, W, 3] 0 to 255, the pattern of a real one, in place.

    label: bool [H, W]. The ice keeps its mean colour; the pattern makes it up to a third brighter or darker.
    """
    if not label.any():
        return
    pattern = _spread(rng, patches, label.shape).mean(axis=2, keepdims=True)
    strength = np.float32(rng.uniform(0.06, 0.3))
    image[label] *= np.maximum(1 + strength * pattern[label], 0.1)


def lay_ground(rng: np.random.Generator, ground: Array, patches: Sequence[Array]) -> Array:
    """Lay a real ground in the colours of the drawn one: float32 [H, W, 3] to a new array of the shape."""
    mean, spread = ground.mean(axis=(0, 1)), ground.std(axis=(0, 1))
    spread = np.clip(spread, 0.1 * mean, None) * np.float32(np.exp(rng.normal(0, 0.4)))
    real = mean + spread * _spread(rng, patches, ground.shape[:2])
    share = np.float32(rng.uniform(0.5, 1.0))
    return np.asarray(np.clip(share * real + (1 - share) * ground, 0, 262))


def _of_folder(folder: Path, wanted: int | None, rng: np.random.Generator) -> list[Array]:
    """Cut patches of the scenes that may be trained on: those of train.csv where there are lists."""
    scenes = [read_labelled(pair) for pair in listed_pairs(folder, "train.csv")]
    found = [patch for scene in scenes for patch in _patches(scene, wanted, rng)]
    if not found:
        what = "ice without gaps" if wanted else "ground with any pattern"
        reason = f"no square of {min(SIDES)} pixels shows {what}"
        raise FileError(folder, reason, "; leave this folder out")
    return found


def _patches(scene: LabelledScene, wanted: int | None, rng: np.random.Generator) -> list[Array]:
    """Cut up to PATCHES_PER_SCENE squares of the scene, all of class `wanted` (None: of any)."""
    found: list[Array] = []
    for attempt in range(TRIES):
        side = SIDES[attempt % len(SIDES)]
        if side > min(scene.label.shape):
            continue
        if len(found) == PATCHES_PER_SCENE:
            break
        top, left = (int(rng.integers(length - side + 1)) for length in scene.label.shape)
        window = (slice(top, top + side), slice(left, left + side))
        if wanted is not None and np.mean(scene.label[window] == wanted) < PURE:
            continue
        patch = scene.image[window].astype(np.float32)
        deviation = patch.std(axis=(0, 1))
        if deviation.min() > 1:  # a flat patch, of cloud or of missing data, has no pattern
            found.append(np.clip((patch - patch.mean(axis=(0, 1))) / deviation, -4, 4))
    return found


def _spread(rng: np.random.Generator, patches: Sequence[Array], shape: tuple[int, int]) -> Array:
    """Spread one patch, turned, enlarged and mirrored, over the whole scene: float32 [H, W, 3]."""
    patch = np.rot90(patches[int(rng.integers(len(patches)))], int(rng.integers(4)))
    zoom = np.exp(rng.uniform(np.log(0.7), np.log(2.5)))
    side = max(8, round(patch.shape[0] * zoom))
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    patch = cv2.resize(np.ascontiguousarray(patch), (side, side), interpolation=how)
    tile = np.concatenate([patch, patch[::-1]])
    tile = np.concatenate([tile, tile[:, ::-1]], axis=1)
    top, left = rng.integers(2 * side, size=2)
    rows, columns = ((start + np.arange(n)) % (2 * side) for start, n in zip((top, left), shape, strict=True))
    return np.asarray(tile[rows][:, columns])
