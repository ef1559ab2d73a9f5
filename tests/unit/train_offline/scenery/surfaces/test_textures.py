"""Real surfaces in drawn scenes: the pattern changes, the mask and the scenes without textures never do."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from infer.errors import UsageError
from tests.helpers.support import random_rgb, write_tiff
from train_offline.commands.synthesize import main
from train_offline.data.folder import pairs_in, read_labelled
from train_offline.scenery.scene import Extras, make_scene
from train_offline.scenery.surfaces.textures import RealScenes, lay_ground, lay_ice, read_textures


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """One scene of 256 x 256: ice in the left half."""
    (tmp_path / "image").mkdir()
    (tmp_path / "gt").mkdir()
    write_tiff(tmp_path / "image" / "a.tif", random_rgb(256, 256))
    mask = np.zeros((256, 256), np.uint8)
    mask[:, :128] = 255
    cv2.imwrite(str(tmp_path / "gt" / "a.png"), mask)
    return tmp_path


def test_patches_are_pure_ice_and_carry_no_colour(real: Path):
    textures = read_textures(RealScenes(ice=(real,), ground=(real,)))
    assert textures.ice
    assert textures.ground
    scene = read_labelled(pairs_in(real)[0])
    for patch in textures.ice:
        assert patch.shape[0] <= 128 / 0.97 + 1  # a larger square would hold more than 3 % of the right half
        np.testing.assert_allclose(patch.mean(axis=(0, 1)), 0, atol=0.1)
        np.testing.assert_allclose(patch.std(axis=(0, 1)), 1, atol=0.1)
    assert max(patch.shape[0] for patch in textures.ground) == 192 <= min(scene.label.shape)


def test_masks_stay_and_only_some_images_change(real: Path):
    textures = read_textures(RealScenes(ice=(real,), ground=(real,)))
    changed = 0
    for seed in range(12):
        plain = make_scene(seed, 96, 96, ice=True)
        textured = make_scene(seed, 96, 96, ice=True, extras=Extras(textures))
        np.testing.assert_array_equal(plain.mask, textured.mask)
        changed += bool((plain.image != textured.image).any())
    assert 3 <= changed <= 12


def test_ice_keeps_its_mean_and_the_sea_its_pixels():
    rng = np.random.default_rng(3)
    image = np.full((64, 64, 3), (60, 80, 90), np.float32)
    label = np.zeros((64, 64), bool)
    label[:40] = True
    patch = rng.standard_normal((96, 96, 3)).astype(np.float32)
    lay_ice(rng, image, label, [patch])
    np.testing.assert_array_equal(image[~label], np.broadcast_to((60, 80, 90), (24 * 64, 3)))
    np.testing.assert_allclose(image[label].mean(axis=0), (60, 80, 90), rtol=0.05)
    assert image[label].std(axis=0).min() > 1


def test_ground_takes_the_drawn_colours():
    rng = np.random.default_rng(4)
    drawn = np.float32((120, 90, 50)) + 10 * rng.standard_normal((64, 64, 3)).astype(np.float32)
    patch = rng.standard_normal((96, 96, 3)).astype(np.float32)
    ground = lay_ground(rng, drawn, [patch])
    assert ground.shape == drawn.shape
    np.testing.assert_allclose(ground.mean(axis=(0, 1)), drawn.mean(axis=(0, 1)), rtol=0.15)
    assert np.corrcoef(ground.ravel(), drawn.ravel())[0, 1] < 0.999


def test_no_extras_is_the_scene_as_it_always_was():
    for seed in range(4):
        plain, empty = make_scene(seed, 96, 96), make_scene(seed, 96, 96, extras=Extras())
        np.testing.assert_array_equal(plain.image, empty.image)


def test_program_draws_with_real_scenes(real: Path, tmp_path: Path):
    output = tmp_path / "drawn"
    arguments = ["--count", "2", "--size", "64", "--output", str(output), "--workers", "2"]
    assert main([*arguments, "--ice-from", str(real), "--ground-from", str(real)]) == 0
    assert len(pairs_in(output)) == 2


def test_missing_folder_is_one_line_and_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture):
    absent, output = tmp_path / "absent", tmp_path / "drawn"
    assert main(["--output", str(output), "--ice-from", str(absent)]) == 2
    assert str(absent) in capsys.readouterr().err
    assert not output.exists()


def test_wrong_data_is_named(tmp_path: Path):
    (tmp_path / "image").mkdir()
    with pytest.raises(UsageError, match=r"no \.tif"):
        read_textures(RealScenes(ice=(tmp_path,)))


def test_lookalikes_change_images_without_ice_and_no_mask():
    extras = Extras(lookalikes=True)
    changed = 0
    for seed in range(12):
        plain, wild = (make_scene(seed, 128, 128, ice=False, extras=e) for e in (None, extras))
        assert not wild.mask.any()
        changed += bool((plain.image != wild.image).any())
    assert 4 <= changed <= 12


def test_lookalikes_never_add_ice():
    for seed in range(8):
        plain, wild = (
            make_scene(seed, 128, 128, ice=True, extras=e) for e in (None, Extras(lookalikes=True))
        )
        assert not (wild.mask & ~plain.mask).any()
