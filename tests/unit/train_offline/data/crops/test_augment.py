"""Random changes: the eight orientations, and colours that change without losing the picture."""

from __future__ import annotations

import cv2
import numpy as np

from train_offline.data.crops.augment import jitter, randomise, turn


def picture(seed: int = 0, low: int = 20, high: int = 120, shape: tuple[int, int] = (96, 96)) -> np.ndarray:
    """Soft random blobs, never flat."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(low, high, (7, 7, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(smooth, 0, 255).astype(np.uint8)


def test_turn_gives_all_eight_orientations_to_image_and_label_alike() -> None:
    image = np.random.default_rng(0).integers(1, 255, (8, 8, 3), dtype=np.uint8)
    seen = set()
    for seed in range(100):
        turned, label = turn(image, image[..., 0], np.random.default_rng(seed))
        np.testing.assert_array_equal(turned[..., 0], label)
        seen.add(turned.tobytes())
    expected = {np.rot90(view, k).tobytes() for view in (image, image[:, ::-1]) for k in range(4)}
    assert seen == expected


def test_randomised_crop_is_a_uint8_picture_of_the_same_size() -> None:
    for shape in ((96, 96), (17, 40)):
        for seed in range(60):
            changed = randomise(picture(seed, shape=shape), np.random.default_rng(seed))
            assert changed.shape == (*shape, 3)
            assert changed.dtype == np.uint8


def test_jitter_stays_near_the_colours_and_keeps_the_order_of_brightness() -> None:
    image = picture(3)
    grey = image.mean(2).ravel()
    means = []
    for seed in range(60):
        changed = jitter(image, np.random.default_rng(seed))
        assert changed.shape == image.shape
        assert changed.dtype == np.uint8
        means.append(changed.mean() / image.mean())
        assert np.corrcoef(grey, changed.mean(2).ravel())[0, 1] > 0.9
    assert 0.7 < min(means) < 0.9
    assert 1.1 < max(means) < 1.4
    assert abs(np.mean(means) - 1) < 0.07


def test_jitter_changes_nothing_that_is_grey_but_the_tint() -> None:
    flat = np.full((8, 8, 3), 100, np.uint8)
    for seed in range(20):
        changed = jitter(flat, np.random.default_rng(seed))
        assert len(np.unique(changed.reshape(-1, 3), axis=0)) == 1, "no contrast out of nothing"


def test_one_generator_state_gives_one_result() -> None:
    image = picture()
    first = randomise(image, np.random.default_rng(3))
    np.testing.assert_array_equal(randomise(image, np.random.default_rng(3)), first)
    assert (randomise(image, np.random.default_rng(4)) != first).any()


def test_colours_reach_those_of_the_target() -> None:
    """Mean of the only known Gaofen scene: about 24 to 54 in each channel; other sensors are far brighter."""
    means = np.array(
        [randomise(picture(1, 90, 240), np.random.default_rng(s)).mean((0, 1)) for s in range(300)]
    )
    assert np.percentile(means, 10) < 40
    assert np.percentile(means, 90) > 140
    assert ((means > 15) & (means < 60)).all(1).sum() >= 25, "too few crops as dark as the target"
    tint = means / means.mean(1, keepdims=True)
    assert (tint.std(0) > 0.15).all()


def test_order_of_brightness_survives() -> None:
    """What is brighter in the scene stays brighter: brightness is never inverted."""
    kept = []
    for seed in range(150):
        image = picture(seed, 30, 200)
        before = image.astype(float).mean(2).ravel()
        after = randomise(image, np.random.default_rng(seed)).astype(float).mean(2).ravel()
        if after.std() > 1:
            kept.append(np.corrcoef(before, after)[0, 1])
    assert len(kept) > 100
    assert np.median(kept) > 0.7
    assert np.mean(np.array(kept) < 0) < 0.03


def test_input_is_left_alone() -> None:
    image = picture()
    before = image.copy()
    for seed in range(20):
        randomise(image, np.random.default_rng(seed))
    np.testing.assert_array_equal(image, before)
