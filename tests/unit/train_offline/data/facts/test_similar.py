"""Near duplicates: found when changed as a second look changes them, and never by accident in open water."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import cv2
import numpy as np
import pytest

from tests.helpers.support import shared
from train_offline.data.facts.similar import MAX_BITS_APART, linked, signature, similar_pairs
from train_offline.data.pixels import read_image


def ice(seed: int, side: int = 256) -> np.ndarray:
    """Textured at many sizes, like floes: uint8 [side, side, 3]."""
    rng = np.random.default_rng(seed)
    image = sum(
        cv2.resize(rng.normal(0, 12, (n, n, 3)).astype(np.float32), (side, side)) for n in (3, 6, 12, 24)
    )
    return np.clip(image + 90, 0, 255).astype(np.uint8)


def open_water(seed: int, side: int = 256) -> np.ndarray:
    """A glint, a gradient, dark corners, the sensor's own columns and noise: all that open water shows."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side - 0.5
    (cy, cx), width = rng.uniform(-0.7, 0.7, 2), rng.uniform(0.3, 0.6)
    grey = rng.uniform(20, 90) + rng.uniform(-30, 30) * x + rng.uniform(-30, 30) * y
    grey += rng.uniform(5, 40) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * width**2))
    grey += -40 * (x**2 + y**2) ** 2 + np.random.default_rng(0).normal(0, 1, side)
    image = grey[..., None] + rng.normal(0, 1, (side, side, 3))
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def darker(image: np.ndarray) -> np.ndarray:
    return (image * 0.6 + 5).astype(np.uint8)


def hazy(image: np.ndarray) -> np.ndarray:
    return (image * 0.7 + 70).astype(np.uint8)


def noisy(image: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 8, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def lossy(image: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)


def resampled(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)


def cloudy(image: np.ndarray) -> np.ndarray:
    cloudy, (x, y) = image.copy(), 30 + image[0, 0, :2].astype(int) % 190
    cv2.circle(cloudy, (int(x), int(y)), 12, (120, 120, 120), -1)
    return cloudy


@pytest.mark.parametrize("change", [darker, hazy, noisy, lossy, resampled, cloudy])
def test_a_second_look_at_a_scene_is_found(change: Callable[[np.ndarray], np.ndarray]) -> None:
    scenes = [ice(seed) for seed in range(12)]
    signatures = [signature(image) for image in [*scenes, *map(change, scenes)]]
    assert similar_pairs(signatures) == [(n, n + 12) for n in range(12)]


def test_scenes_of_open_water_are_not_alike() -> None:
    signatures = [signature(open_water(seed)) for seed in range(150)]
    assert similar_pairs(signatures) == []
    assert all(one.pixels is not None for one in signatures)


def test_hash_alone_would_chain_open_water(monkeypatch: pytest.MonkeyPatch) -> None:
    """What MIN_TEXTURE is for; if this fails, the test above no longer tests anything."""
    monkeypatch.setattr("train_offline.data.facts.similar.MIN_TEXTURE", 0.0)
    assert similar_pairs([signature(open_water(seed)) for seed in range(150)])


def test_equal_files_of_open_water_are_found() -> None:
    water = [open_water(seed) for seed in (1, 2, 1)]
    assert similar_pairs([signature(image) for image in water]) == [(0, 2)]


def test_scenes_of_one_value_are_never_alike() -> None:
    black, grey = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), (9, 8, 7), np.uint8)
    assert similar_pairs([signature(image) for image in (black, black, grey, grey)]) == []


def test_a_wedge_without_data_is_not_what_a_scene_looks_like() -> None:
    wedge = np.tri(256, dtype=bool)
    scenes = [ice(seed) for seed in range(8)]
    for image in scenes:
        image[wedge] = 0
    water = [open_water(seed) for seed in range(8)]
    for image in water:
        image[wedge] = 0
    assert similar_pairs([signature(image) for image in scenes + water]) == []


def test_groups_are_single_link() -> None:
    assert linked(7, [(0, 3), (5, 3), (1, 2)]) == [[0, 3, 5], [1, 2], [4], [6]]
    assert linked(3, []) == [[0], [1], [2]]


def test_passes_of_two_satellites_over_one_place() -> None:
    """Seven of the eight places; in the other the floes moved between the passes (see similar.py)."""
    folder = shared("data/floes_modis/image")
    files = sorted(folder.iterdir()) + sorted(shared("data/amazon_forest/train/image").iterdir())
    signatures = [signature(read_image(path).pixels) for path in files]
    found = [(files[i].name, files[j].name) for i, j in similar_pairs(signatures)]
    assert len(found) == 7
    assert all(one.replace("aqua", "terra") == other for one, other in found)


def test_unrelated_real_scenes_are_far_apart() -> None:
    files = sorted(shared("data/amazon_forest/train/image").iterdir())
    looks = [signature(read_image(path).pixels).looks for path in files]
    apart = [(one ^ other).bit_count() for one, other in combinations(filter(None, looks), 2)]
    assert len(apart) > 200
    assert min(apart) > MAX_BITS_APART + 4
