"""Farmed valleys: over the ground alone, of sane values, and dark fields before bright hills."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from train_offline.scenery.lookalikes.farmed_valley import draw_valley
from train_offline.scenery.style import draw_style

SHAPE = (160, 200)


def drawn(seed: int, shape: tuple[int, int] = SHAPE, ground: float = 50.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.full((*shape, 3), ground, np.float32)
    draw_valley(rng, image, np.ones(shape, bool), draw_style(rng, "blue"))
    return image


@pytest.mark.parametrize("seed", range(8))
def test_values_are_those_of_a_picture(seed: int) -> None:
    image = drawn(seed)
    assert image.dtype == np.float32
    assert np.isfinite(image).all()
    assert image.min() >= 0
    assert image.max() < 400


def test_one_seed_draws_one_valley() -> None:
    assert_array_equal(drawn(3), drawn(3))


def test_ground_outside_the_hills_is_left_alone() -> None:
    shares = [(drawn(seed) != 50).any(2).mean() for seed in range(12)]
    assert min(shares) > 0.04
    assert min(shares) < 0.9


def test_fields_are_darker_than_the_hills_around_them() -> None:
    darker = 0
    for seed in range(12):
        grey = drawn(seed).mean(2)
        darker += np.percentile(grey, 5) < 0.8 * np.percentile(grey, 90)
    assert darker >= 8


def test_land_of_a_few_pixels_is_drawn_too() -> None:
    rng = np.random.default_rng(0)
    image, land = np.full((64, 64, 3), 50, np.float32), np.zeros((64, 64), bool)
    land[30, 30] = True
    draw_valley(rng, image, land, draw_style(rng))
    assert np.isfinite(image).all()
