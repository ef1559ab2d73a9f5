"""train.csv and val.csv: by scene, seeded, and one line for what cannot be split."""

import csv
import shutil

import cv2
import numpy as np
import pytest
import tifffile

from train_offline.split import main, scene_of


def write_pair(folder, name, suffix=".tif"):
    for part in ("image", "gt"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(folder / "image" / f"{name}{suffix}", np.full((4, 5, 3), 90, np.uint8))
    cv2.imwrite(str(folder / "gt" / f"{name}.png"), np.full((4, 5), 255, np.uint8))


@pytest.fixture
def folder(tmp_path):
    for number in range(17):
        write_pair(tmp_path, str(number))
    for tile in range(16):
        write_pair(tmp_path, f"90_{tile}", ".TIFF")
    for tile in range(4):
        write_pair(tmp_path, f"91.a_{tile}")
    for number in range(92, 93):
        write_pair(tmp_path, str(number))
    return tmp_path


def rows(path):
    with path.open(newline="") as file:
        header, *body = csv.reader(file)
    assert header == ["image", "label"]
    return [tuple(row) for row in body]


def test_nine_to_one_by_scene(folder):
    assert main([str(folder)]) == 0
    train, val = rows(folder / "train.csv"), rows(folder / "val.csv")
    assert len(train) + len(val) == 38
    assert not set(train) & set(val)
    for image, label in train + val:
        assert (folder / image).is_file()
        assert (folder / label).is_file()
    scenes = [{scene_of((folder / image).stem) for image, _ in side} for side in (train, val)]
    assert not scenes[0] & scenes[1], "tiles of one scene on both sides"
    assert [len(side) for side in scenes] == [18, 2]


def test_seed_decides(folder):
    def val_of(seed):
        assert main([str(folder), "--seed", seed, "--val-share", "0.4"]) == 0
        return rows(folder / "val.csv")

    first = val_of("3")
    assert val_of("3") == first
    assert any(val_of(str(seed)) != first for seed in range(4, 8))


@pytest.mark.parametrize(
    ("name", "scene"),
    [("12", "12"), ("12_3", "12"), ("a_b_10", "a_b"), ("x.tiff_34", "x.tiff"), ("a_b", "a_b")],
)
def test_scene_of_a_name(name, scene):
    assert scene_of(name) == scene


def test_two_scenes_give_one_to_each_side(tmp_path):
    write_pair(tmp_path, "1")
    write_pair(tmp_path, "2")
    assert main([str(tmp_path), "--val-share", "0.01"]) == 0
    assert len(rows(tmp_path / "train.csv")) == len(rows(tmp_path / "val.csv")) == 1


def remove_mask(folder):
    (folder / "gt" / "7.png").unlink()
    return "7.png: no such file"


def leave_tiles_of_one_scene(folder):
    for image in (folder / "image").iterdir():
        if not image.name.startswith("90_"):
            image.unlink()
    return "one scene only (90)"


def remove_images(folder):
    shutil.rmtree(folder / "image")
    return "image: no such folder"


def empty_images(folder):
    remove_images(folder)
    (folder / "image").mkdir()
    return "no .tif or .tiff"


def name_twice(folder):
    write_pair(folder, "5", ".tiff")
    return "5.tiff: another scene has the name 5"


@pytest.mark.parametrize(
    "spoil", [remove_mask, leave_tiles_of_one_scene, remove_images, empty_images, name_twice]
)
def test_bad_folder_is_one_line_that_names_it(folder, spoil, capsys):
    reason = spoil(folder)
    assert main([str(folder)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert reason in error
    assert not (folder / "train.csv").exists()


@pytest.mark.parametrize(
    "arguments", [[], ["--val-share", "1"], ["--val-share", "nan"], ["--seed", "-1"], ["--no"]]
)
def test_wrong_call_is_one_line(folder, arguments, capsys):
    assert main([str(folder), *arguments] if arguments else []) == 2
    assert capsys.readouterr().err.count("\n") == 1
