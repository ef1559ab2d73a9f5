"""Bleak scenes and real coasts: ice lies on water, the mask is exact, other scenes stay what they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from infer.errors import FileError
from tests.helpers.support import random_rgb, write_tiff
from train_offline.commands.synthesize import main
from train_offline.scenery.scene import Extras, make_scene
from train_offline.scenery.style import Style, draw_style, make_bleak
from train_offline.scenery.surfaces.real_coast import find_water, lay_coast, read_coasts


def coast_image(seed: int = 0) -> np.ndarray:
    """uint8 [256, 256, 3]: rough land in the left quarter, smooth water in the rest, a pond in the land."""
    rng = np.random.default_rng(seed)
    image = np.full((256, 256, 3), (60, 90, 80), np.float32)
    image[:, :64] = (130, 110, 80) + 40 * rng.standard_normal((256, 64, 1))
    image[100:108, 20:28] = (60, 90, 80)
    return np.clip(image + rng.standard_normal(image.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def coasts(tmp_path: Path) -> Path:
    folder = tmp_path / "coasts"
    for part in ("image", "gt"):
        (folder / part).mkdir(parents=True)
    for name, image in (("a", coast_image()), ("land", random_rgb(256, 256))):
        write_tiff(folder / "image" / f"{name}.tif", image)
        cv2.imwrite(str(folder / "gt" / f"{name}.png"), np.zeros((256, 256), np.uint8))
    return folder


def test_water_is_found_and_neither_land_nor_its_ponds() -> None:
    water = find_water(coast_image())
    assert water[:, 76:].mean() > 0.99
    assert water[:, :56].mean() < 0.01
    assert not find_water(random_rgb(256, 256)).any()


def test_scenes_without_water_are_left_out_and_a_folder_of_them_refused(coasts: Path) -> None:
    assert len(read_coasts((coasts,))) == 1
    for part in ("image/a.tif", "gt/a.png"):
        (coasts / part).unlink()
    read_coasts.cache_clear()
    with pytest.raises(FileError, match="smooth water"):
        read_coasts((coasts,))


@pytest.mark.parametrize("shape", [(64, 200), (512, 512), (1024, 300)])
def test_a_coast_fills_a_scene_of_any_size(coasts: Path, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    style = draw_style(rng)
    image, land, own = lay_coast(rng, read_coasts((coasts,)), shape, style)
    assert (image.shape, image.dtype, land.shape, land.dtype) == ((*shape, 3), np.float32, shape, np.bool_)
    assert 0 <= image.min() <= image.max() <= 262
    assert np.abs(np.median(image[~land], axis=0) - own.palette.clear).max() < 6
    assert own.palette.field is style.palette.field


def test_ice_lies_on_the_water_of_a_coast_and_nothing_else_is_ice(
    coasts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extras, lands = Extras(coasts=read_coasts((coasts,)), bleak=True), list[np.ndarray]()

    def keep_land(*arguments: Any) -> tuple[np.ndarray, np.ndarray, Style]:
        image, land, style = lay_coast(*arguments)
        lands.append(land)
        return image, land, style

    monkeypatch.setattr("train_offline.scenery.scene.lay_coast", keep_land)
    monkeypatch.setattr("train_offline.scenery.scene.REAL", 1.0)
    checked = 0
    for seed in range(16):
        lands.clear()
        mask = make_scene(seed, 128, 128, ice=True, extras=extras).mask
        if len(lands) == 1 and lands[0].any():  # drawn at the first attempt
            assert not mask[lands[0]].any()
            assert mask[~lands[0]].any()
            checked += 1
    assert checked >= 6


def test_scenes_with_coasts_are_as_repeatable_as_others(coasts: Path) -> None:
    extras, changed = Extras(coasts=read_coasts((coasts,)), bleak=True), 0
    for seed in range(16):
        for ice in (True, False):
            plain, scene = (make_scene(seed, 128, 128, ice=ice, extras=e) for e in (None, extras))
            assert scene.mask.any() == ice
            assert set(np.unique(scene.mask)) <= {0, 255}
            changed += bool((plain.image != scene.image).any())
            again = make_scene(seed, 128, 128, ice=ice, extras=extras)
            np.testing.assert_array_equal(again.image, scene.image)
    assert changed >= 30


def test_a_bleak_day_makes_thin_ice_fainter_and_its_texture_stronger() -> None:
    rng = np.random.default_rng(0)
    styles = [draw_style(rng) for _ in range(300)]
    bleak = [make_bleak(rng, style) for style in styles]
    assert np.mean([style.thin_contrast for style in bleak]) < np.mean([s.thin_contrast for s in styles]) / 2
    assert np.mean([style.grain for style in bleak]) > np.mean([s.grain for s in styles])
    assert max(s.exposure for s in bleak) / min(s.exposure for s in bleak) > 2.5
    assert {style.exposure for style in styles} == {1.0}


def test_the_command_draws_them_and_refuses_a_folder_without_water(
    coasts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--count", "3", "--size", "96", "--coast-from", str(coasts), "--bleak", "--workers", "1"]
    assert main([*arguments, "--output", str(tmp_path / "drawn")]) == 0
    assert len(list((tmp_path / "drawn" / "image").iterdir())) == 3
    (coasts / "image" / "a.tif").unlink()
    (coasts / "gt" / "a.png").unlink()
    read_coasts.cache_clear()
    capsys.readouterr()
    assert main([*arguments, "--output", str(tmp_path / "none")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "none").exists()


def test_a_coast_with_ice_and_extras_of_the_embedded_split_are_refused(
    coasts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(tmp_path / "none")
    assert main(["--output", output, "--embedded", "--bleak"]) == 2
    assert "embedded" in capsys.readouterr().err
    cv2.imwrite(str(coasts / "gt" / "land.png"), np.full((256, 256), 255, np.uint8))
    read_coasts.cache_clear()
    assert main(["--output", output, "--coast-from", str(coasts)]) == 2
    error = capsys.readouterr().err
    assert "land.png" in error
    assert "ice" in error
    assert not (tmp_path / "none").exists()
