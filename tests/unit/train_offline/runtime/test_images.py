"""Small pictures for people: the mean of what they stand for, and bright enough to see something."""

from __future__ import annotations

import numpy as np
import pytest

from tests.helpers.offline.data_folder import noise
from train_offline.runtime.images import BRIGHT, MAX_GAIN, brightened, shrunk


@pytest.mark.parametrize(
    ("shape", "small"), [((80, 40, 3), (20, 10, 3)), ((40, 80), (10, 20)), ((9, 7), (9, 7))]
)
def test_the_longer_side_is_at_most_what_was_asked_for(
    shape: tuple[int, ...], small: tuple[int, ...]
) -> None:
    image = noise(1, *shape)
    assert shrunk(image, 20).shape == small
    assert shrunk(image, 20).dtype == np.uint8


def test_a_side_never_vanishes() -> None:
    assert shrunk(noise(1, 500, 3, 3), 20).shape == (20, 1, 3)


def test_a_pixel_is_the_mean_of_those_that_it_covers() -> None:
    image = noise(1, 8, 8)
    means = image.reshape(2, 4, 2, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(shrunk(image, 2), means, atol=0.51)


def test_an_image_that_is_small_enough_is_left_alone() -> None:
    image = noise(1, 20, 12, 3)
    np.testing.assert_array_equal(shrunk(image, 20), image)


def test_dark_scenes_become_brighter_and_keep_their_colours() -> None:
    image = noise(1, 64, 64, 3) // 3
    bright, gain = brightened(image)
    assert 1 < gain < MAX_GAIN
    np.testing.assert_array_equal(bright, np.clip(image * np.float32(gain), 0, 255).astype(np.uint8))
    assert np.percentile(bright.max(axis=2), BRIGHT) == pytest.approx(255, abs=1)


@pytest.mark.parametrize(("value", "wanted"), [(0, MAX_GAIN), (10, MAX_GAIN), (255, 1.0)])
def test_the_gain_has_bounds(value: int, wanted: float) -> None:
    assert brightened(np.full((8, 8, 3), value, np.uint8))[1] == wanted
