"""One crop: its size, its pixels and its labels, whatever the scene and the augmentation."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.helpers.offline.data_folder import noise, two_tone
from train_offline.data.crops.crop import (
    AUGMENTATIONS,
    CropSettings,
    Window,
    crop_at,
    draw_crop,
    mixed,
    tiles_of,
)
from train_offline.data.folder import IGNORED, LabelledScene


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
@pytest.mark.parametrize(("height", "width"), [(200, 150), (64, 64), (20, 90), (300, 64)])
def test_crop_has_its_size_whatever_the_scene(augmentation: str, height: int, width: int) -> None:
    scene = two_tone(1, height, width)
    for seed in range(8):
        image, label = draw_crop(
            scene, CropSettings(64, augmentation=augmentation), np.random.default_rng(seed)
        )
        assert image.shape == (64, 64, 3)
        assert label.shape == (64, 64)
        assert image.dtype == label.dtype == np.uint8
        assert set(np.unique(label)) <= {0, 1, IGNORED}
        assert (label != IGNORED).any()


def test_plain_crop_is_a_window_of_the_scene() -> None:
    image = np.arange(90 * 80 * 3).reshape(90, 80, 3).astype(np.uint8)
    image[..., 0], image[..., 1] = np.arange(90)[:, None], np.arange(80)[None]
    scene = LabelledScene("s", image, (image[..., 2] % 2).astype(np.uint8))
    corners = set()
    for seed in range(20):
        crop, label = draw_crop(scene, CropSettings(32, augmentation="none"), np.random.default_rng(seed))
        top, left = int(crop[0, 0, 0]), int(crop[0, 0, 1])
        np.testing.assert_array_equal(crop, image[top : top + 32, left : left + 32])
        np.testing.assert_array_equal(label, scene.label[top : top + 32, left : left + 32])
        corners.add((top, left))
    assert len(corners) > 15


def test_label_stays_on_its_pixels_through_scale_and_turns() -> None:
    scene = two_tone(7, 256, 256)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        image, label = draw_crop(scene, CropSettings(128, augmentation="geometry"), rng)
        inside = cv2.erode(label, np.ones((7, 7))) == cv2.dilate(label, np.ones((7, 7)))
        agree = (image[..., 0] > 127) == label.astype(bool)
        assert inside.mean() > 0.2
        assert agree[inside].mean() > 0.99


def test_padding_is_ignored_and_the_rest_kept() -> None:
    scene = two_tone(3, 16, 40)
    crop, label = draw_crop(scene, CropSettings(32, augmentation="none"), np.random.default_rng(0))
    assert (label[:16] != IGNORED).all()
    assert (label[16:] == IGNORED).all()
    assert crop[16:].any()


def test_recolour_is_the_share_of_crops_with_new_colours() -> None:
    scene = LabelledScene("s", np.full((64, 64, 3), 77, np.uint8), np.zeros((64, 64), np.uint8))

    def share(recolour: float) -> float:
        settings = CropSettings(16, recolour=recolour)
        crops = (draw_crop(scene, settings, np.random.default_rng(seed))[0] for seed in range(200))
        return np.mean([(crop != 77).any() for crop in crops])

    assert share(0.0) == 0
    assert 0.36 < share(0.5) < 0.64  # four standard deviations
    assert share(1.0) > 0.97


@pytest.mark.parametrize("augmentation", ["geometry", "strong"])
def test_rescale_is_the_share_of_crops_at_another_scale(augmentation: str) -> None:
    ramp = np.repeat(
        np.arange(128, dtype=np.uint8)[:, None], 128, 1
    )  # the label tells how far rows are apart
    scene = LabelledScene("s", np.repeat(ramp[..., None], 3, 2), ramp)

    def share(rescale: float) -> float:
        settings = CropSettings(16, augmentation=augmentation, rescale=rescale)
        labels = (draw_crop(scene, settings, np.random.default_rng(seed))[1] for seed in range(200))
        return np.mean([len(np.unique(label)) != 16 or np.ptp(label) != 15 for label in labels])

    assert share(0.0) == 0
    assert 0.34 < share(0.5) < 0.62  # four standard deviations; some scales are nearly 1
    assert share(1.0) > 0.9


def test_augmentation_leaves_the_scene_in_memory_alone() -> None:
    scene = two_tone(1, 80, 80)
    before = scene.image.copy(), scene.label.copy()
    for seed in range(10):
        image, label = draw_crop(scene, CropSettings(32), np.random.default_rng(seed))
        image[:], label[:] = 0, 0
    np.testing.assert_array_equal(scene.image, before[0])
    np.testing.assert_array_equal(scene.label, before[1])


def test_the_recipe_flips_half_and_turns_three_eighths_of_the_crops() -> None:
    """RandomRotate90 draws one of four turns for half of the crops: a quarter of these stays as it is."""
    image = np.arange(16 * 16 * 3).reshape(16, 16, 3).astype(np.uint8)
    image[..., 0], image[..., 1] = np.arange(16)[:, None], np.arange(16)[None]
    scene = LabelledScene("s", image, (image[..., 1] > 7).astype(np.uint8))
    settings = CropSettings(16, augmentation="gaofen2021")
    seen = {}
    for seed in range(800):
        crop, label = draw_crop(scene, settings, np.random.default_rng(seed))
        np.testing.assert_array_equal(label, crop[..., 1] > 7)
        seen[crop.tobytes()] = seen.get(crop.tobytes(), 0) + 1
    assert len(seen) == 8
    flipped = seen[np.ascontiguousarray(image[:, ::-1]).tobytes()]
    assert 0.26 < seen[image.tobytes()] / 800 < 0.37  # 5/16, four standard deviations
    assert 0.25 < flipped / 800 < 0.38
    rest = [n for crop, n in seen.items() if crop not in (image.tobytes(), image[:, ::-1].tobytes())]
    assert 0.03 < min(rest) / 800 < max(rest) / 800 < 0.10  # 1/16 each


def test_mixed_puts_a_rectangle_of_the_other_crop_with_its_labels_into_the_first() -> None:
    shares = []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        one = np.full((32, 32, 3), 10, np.uint8), np.zeros((32, 32), np.uint8)
        other = np.full((32, 32, 3), 200, np.uint8), np.ones((32, 32), np.uint8)
        image, label = mixed(one, other, rng)
        np.testing.assert_array_equal(image[..., 0] == 200, label == 1)
        rows, columns = np.nonzero(label.any(1))[0], np.nonzero(label.any(0))[0]
        assert label.sum() == len(rows) * len(columns), "a full rectangle"
        shares.append(label.mean())
    assert 0.02 < min(shares) < 0.15
    assert 0.4 < max(shares) < 0.56


@pytest.mark.parametrize(("height", "width"), [(64, 64), (128, 64), (70, 150), (20, 90), (10, 10)])
def test_tiles_cover_a_scene_and_stay_inside_it(height: int, width: int) -> None:
    covered = np.zeros((height, width), int)
    for top, left, side in tiles_of(two_tone(1, height, width), 64):
        assert side == 64
        assert top == 0 or top + side <= height
        assert left == 0 or left + side <= width
        covered[top : top + side, left : left + side] += 1
    assert covered.all()
    if height % 64 == width % 64 == 0:
        assert (covered == 1).all()


@pytest.mark.parametrize(("height", "width"), [(16, 40), (40, 9), (5, 3), (1, 7)])
def test_padding_is_by_reflection_without_repeating_the_edge(height: int, width: int) -> None:
    image = noise(1, height, width, 3)
    scene = LabelledScene("s", image, np.zeros((height, width), np.uint8))
    settings = CropSettings(32, augmentation="none")
    crop, label = crop_at(scene, Window(0, 0, 32), settings, np.random.default_rng(0))
    below, right = max(0, 32 - height), max(0, 32 - width)
    seen = image[:32, :32]
    np.testing.assert_array_equal(crop, np.pad(seen, ((0, below), (0, right), (0, 0)), mode="reflect"))
    expected = np.full((32, 32), IGNORED, np.uint8)
    expected[:height, :width] = 0
    np.testing.assert_array_equal(label, expected)
