"""tests/experiments/amazon.sh as it is called: each step by the real program, small scenes, a few steps."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.helpers.support import REPO, write_tiff

# Long enough for a network that is sure of itself: fp16 flips the pixels of one that is not.
SHORT = ["--steps", "30", "--epoch-crops", "60", "--crop", "64", "--batch", "4"]
SHORT += ["--device", "cpu", "--workers", "0", "--no-tensorboard"]


def write_scenes(folder: Path, seeds: range, size: int) -> None:
    """Scenes half dark and half bright, where bright is the class; size x (size + 9) pixels."""
    for part in ("image", "gt"):
        (folder / part).mkdir(parents=True)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        mask = np.zeros((size, size + 9), np.uint8)
        mask[:, : rng.integers(size // 3, size)] = 255
        image = np.clip(rng.normal(60, 12, (*mask.shape, 3)) + mask[..., None] * 0.5, 0, 255)
        write_tiff(folder / "image" / f"Forest_{seed}.tiff_{seed + 3}.tif", image.astype(np.uint8))
        cv2.imwrite(str(folder / "gt" / f"Forest_{seed}.tiff_{seed + 3}.png"), mask)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_scenes(tmp_path / "data" / "train", range(5), 150)
    write_scenes(tmp_path / "data" / "val", range(10, 12), 101)
    return tmp_path / "data"


def amazon(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(REPO / "tests" / "experiments" / "amazon.sh"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)


def test_one_command_trains_scores_once_and_goes_on_after_a_stop(data: Path, tmp_path: Path) -> None:
    files = {path: path.stat().st_mtime_ns for path in data.rglob("*")}

    first = amazon(tmp_path, "data", "run", *SHORT)

    assert first.returncode == 0, first.stderr
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert scores["images"] == 2
    assert f"| {scores['weighted_iou']:.4f} |" in first.stdout.splitlines()[-1]
    settings = json.loads((tmp_path / "run" / "training" / "settings.json").read_text())
    assert settings["data"] == [[str(tmp_path / "run" / "scenes"), 1.0]]
    assert settings["val"] == []
    assert not list((tmp_path / "run" / "scenes").glob("*.csv"))  # so all five were trained on
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == files

    second = amazon(tmp_path, "data", "run", *SHORT)

    assert second.returncode == 2
    assert "scored already" in second.stderr

    (tmp_path / "run" / "scores.json").unlink()  # as if it had been stopped before the score
    for line in (["data", "run", *SHORT, "--lr", "2e-3"], ["data/train", "run", *SHORT]):
        other = amazon(tmp_path, *line)
        assert other.returncode == 2
        assert "was begun with other data or arguments" in other.stderr
    third = amazon(tmp_path, "data", "run", *SHORT)

    assert third.returncode == 0, third.stderr
    assert json.loads((tmp_path / "run" / "scores.json").read_text()) == scores


def test_tuning_scores_a_part_of_the_training_scenes_and_nothing_else(data: Path, tmp_path: Path) -> None:
    for seed in range(5):  # names that look like the tiles of one scene
        for part, suffix in (("image", "tif"), ("gt", "png")):
            path = data / "train" / part / f"Forest_{seed}.tiff_{seed + 3}.{suffix}"
            path.rename(path.with_name(f"img_{seed}.{suffix}"))

    done = amazon(tmp_path, "--tune", "data", "run", *SHORT)

    assert done.returncode == 0, done.stderr
    assert "FWIoU" in done.stdout
    run = tmp_path / "run" / "tune"
    listed = [(run / "scenes" / name).read_text() for name in ("train.csv", "val.csv")]
    assert [len(text.splitlines()) - 1 for text in listed] == [4, 1]
    assert not (run / "masks").exists()
    assert not (run / "scores.json").exists()


def test_a_folder_without_scenes_is_one_line(tmp_path: Path) -> None:
    done = amazon(tmp_path, "nowhere", "run")
    assert done.returncode == 2
    assert "nowhere/train/image: no such folder" in done.stderr
    assert "Traceback" not in done.stderr
