"""Real coasts without ice in place of drawn ones: their land and their water as they are, in other light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from infer.errors import FileError
from train_offline.data.folder import listed_pairs, read_labelled
from train_offline.scenery.noise import Array
from train_offline.scenery.style import Style

SMOOTH = 0.06  # local standard deviation of water, as a share of its brightness; land has more
LEAST_SEA = 0.04  # share of a scene: smaller waters are ponds and lakes
MIN_WATER = 0.15  # share of a scene that must be water for ice to find room


@dataclass(frozen=True)
class Coast:
    """A scene without ice. image: uint8 [H, W, 3] RGB. water: bool [H, W], True where ice may lie."""

    image: Array
    water: Array


@lru_cache(maxsize=1)
def read_coasts(folders: tuple[Path, ...]) -> tuple[Coast, ...]:
    """Read the scenes of data folders that show enough water.

    Raises FileError where none does, and for scenes with ice.
    """
    coasts = []
    for folder in folders:
        pairs = listed_pairs(folder, "train.csv")
        scenes = [read_labelled(pair) for pair in pairs]
        for pair, scene in zip(pairs, scenes, strict=True):
            if (scene.label == 1).any():  # smooth as water, it would be drawn as such
                raise FileError(pair.label, "shows ice", "; coasts are scenes without any")
        found = [Coast(scene.image, find_water(scene.image)) for scene in scenes]
        found = [coast for coast in found if coast.water.mean() >= MIN_WATER]
        if not found:
            raise FileError(folder, "none of its scenes shows smooth water", "; leave this folder out")
        coasts += found
    return tuple(coasts)


def find_water(image: Array) -> Array:
    """Find the sea of an image, uint8 [H, W, 3]: large surfaces without texture, bool [H, W]."""
    grey = cv2.GaussianBlur(image.astype(np.float32).mean(axis=2), (0, 0), 0.8)
    mean = cv2.blur(grey, (9, 9))
    deviation = np.sqrt(np.maximum(cv2.blur(grey * grey, (9, 9)) - mean * mean, 0))
    smooth = (deviation < SMOOTH * (mean + 12)).astype(np.uint8)
    smooth = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))
    _, number, stats, _ = cv2.connectedComponentsWithStats(cv2.morphologyEx(smooth, cv2.MORPH_OPEN, disc))
    sea = stats[:, cv2.CC_STAT_AREA] >= LEAST_SEA * smooth.size
    sea[0] = False
    return cv2.dilate(sea[number].astype(np.uint8), np.ones((5, 5), np.uint8)) > 0


def lay_coast(
    rng: np.random.Generator, coasts: Sequence[Coast], shape: tuple[int, int], style: Style
) -> tuple[Array, Array, Style]:
    """Return image float32 [H, W, 3], land bool [H, W], and the style with colours that go with them.

    One of the coasts is turned, resized, mirrored over the scene and given the light of another day.
    """
    coast = coasts[int(rng.integers(len(coasts)))]
    image, water = _spread(rng, coast, shape)
    light = _relit(rng, image)
    some = light[::3, ::3][water[::3, ::3]]
    colour = np.median(some if len(some) else light[::3, ::3].reshape(-1, 3), axis=0)
    return light, ~water, _with_colours(rng, style, colour, light)


def _spread(rng: np.random.Generator, coast: Coast, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Turn, resize and mirror a coast until it fills the scene: image float32, water bool."""
    zoom = float(np.exp(rng.uniform(np.log(0.55), np.log(1.5))))  # metres of a pixel differ
    quarter, starts = int(rng.integers(4)), rng.random(2)
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    parts = []
    for plane, way in ((coast.image, how), (coast.water.astype(np.uint8), cv2.INTER_NEAREST)):
        turned = np.ascontiguousarray(np.rot90(plane, quarter))
        part = cv2.resize(turned, None, fx=zoom, fy=zoom, interpolation=way)
        part = np.concatenate([part, part[::-1]])
        part = np.concatenate([part, part[:, ::-1]], axis=1)
        rows, columns = (
            (int(start * have) + np.arange(wanted)) % have
            for start, have, wanted in zip(starts, part.shape, shape, strict=False)
        )
        parts.append(part[rows][:, columns])
    return parts[0].astype(np.float32), parts[1] > 0


def _relit(rng: np.random.Generator, image: Array) -> Array:
    """Draw exposure (fivefold), tint, saturation and gamma of the whole scene."""
    gamma = np.float32(rng.uniform(0.85, 1.3))
    grey = image.mean(axis=2, keepdims=True)
    coloured = np.maximum(grey + (image - grey) * np.float32(rng.uniform(0.25, 1.1)), 0)
    level = np.exp(rng.uniform(np.log(28), np.log(130))) / max(1.0, float(grey.mean()))
    tint = np.exp(rng.normal(0, 0.12, 3)).astype(np.float32)
    toned = 255 * (coloured / 255) ** gamma
    return np.asarray(np.minimum(toned * np.float32(level) * tint, 262), np.float32)


def _with_colours(rng: np.random.Generator, style: Style, water: Array, image: Array) -> Style:
    """Return the style with ice and cloud that fit the water's colour, [3], and the scene's brightness."""
    bright = np.percentile(image[::7, ::7].mean(axis=2), 98)
    grey = np.float32(water.mean())
    pale = water + (grey - water) * np.float32(rng.uniform(0.2, 0.9))  # ice has less colour than its water
    thin = pale * np.float32(np.exp(rng.normal(0.12, 0.2)))
    snow = np.full(3, max(bright, 1.6 * grey) * rng.uniform(0.7, 1.25), np.float32)
    thick = thin + (snow - thin) * np.float32(rng.uniform(0.3, 1.0))
    cloud = np.full(3, max(bright * 1.3, 2.2 * grey), np.float32)
    own = {"clear": water, "shoal": water, "thin": thin, "thick": thick, "snow": snow, "cloud": cloud}
    coloured = {name: np.minimum(colour, 262).astype(np.float32) for name, colour in own.items()}
    return replace(style, palette=replace(style.palette, **coloured))
