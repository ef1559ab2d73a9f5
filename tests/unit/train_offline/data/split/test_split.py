"""train.csv and val.csv: by scene, stratified, seeded; one line for what cannot be split."""

import csv
import os
import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from train_offline.commands.split import main
from train_offline.data.split.groups import scene_of, stratum


def texture(key, height=40, width=50):
    """A scene unlike every scene of another key: uint8 [height, width, 3]."""
    rng = np.random.default_rng(int.from_bytes(str(key).encode(), "big"))
    return cv2.resize(rng.integers(20, 220, (9, 9, 3), np.uint8), (width, height))


def write_pair(folder, name, suffix=".tif", image=None, ice=0.5, ignored=False):
    """ice: share of the rows, from the top."""
    for part in ("image", "gt", "ignore"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    image = texture(name) if image is None else image
    mask = np.zeros(image.shape[:2], np.uint8)
    mask[: round(ice * len(mask))] = 255
    tifffile.imwrite(folder / "image" / f"{name}{suffix}", image, photometric="rgb")
    cv2.imwrite(str(folder / "gt" / f"{name}.png"), mask)
    if ignored:
        cv2.imwrite(str(folder / "ignore" / f"{name}.png"), 255 - mask)


@pytest.fixture
def folder(tmp_path):
    for number in range(17):
        write_pair(tmp_path, str(number))
    for tile in range(16):
        write_pair(tmp_path, f"90_{tile}", ".TIFF")
    for tile in range(4):
        write_pair(tmp_path, f"91.a_{tile}")
    write_pair(tmp_path, "92")
    return tmp_path


def rows(path):
    with path.open(newline="") as file:
        header, *body = csv.reader(file)
    assert header == ["image", "label"]
    return [tuple(row) for row in body]


def names(path):
    return {Path(image).stem for image, _ in rows(path)}


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
    assert sorted(path.name for path in folder.iterdir()) == ["gt", "ignore", "image", "train.csv", "val.csv"]


def test_seed_decides(folder):
    def val_of(seed):
        assert main([str(folder), "--seed", seed, "--val-share", "0.4"]) == 0
        return rows(folder / "val.csv")

    first = val_of("3")
    assert val_of("3") == first
    assert any(val_of(str(seed)) != first for seed in range(4, 8))


def test_split_is_the_same_on_every_machine(folder):
    """Worked out once: the shuffle must not depend on the processor, on Python's or on NumPy's version."""
    assert main([str(folder), "--seed", "1"]) == 0
    assert names(folder / "val.csv") == {"13", "2"}


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_scenes_that_look_alike_stay_on_one_side(tmp_path, seed):
    rng = np.random.default_rng(int(seed))
    for number in range(12):
        image = texture(number, 96, 96)
        write_pair(tmp_path, f"{number}", image=image)
        noisy = np.clip(image * 0.8 + rng.normal(9, 4, image.shape), 0, 255).astype(np.uint8)
        write_pair(tmp_path, f"again{number}", image=noisy)
    assert main([str(tmp_path), "--val-share", "0.3", "--seed", seed]) == 0
    val = names(tmp_path / "val.csv")
    assert len(val) == 8
    assert {name.removeprefix("again") for name in val if name.startswith("again")} == {
        name for name in val if not name.startswith("again")
    }
    by_name = set()
    for other in range(4):
        assert main([str(tmp_path), "--val-share", "0.3", "--seed", str(other), "--by-name"]) == 0
        by_name |= {len({name.removeprefix("again") for name in names(tmp_path / "val.csv")})}
    assert by_name != {4}, "by name alone they should come apart"


def test_both_sides_have_the_same_mixture_of_ice(tmp_path):
    shares = [0.0] * 60 + [0.03] * 10 + [0.1] * 10 + [0.4] * 10 + [0.9] * 10
    for number, share in enumerate(shares):
        write_pair(tmp_path, f"s{number}", ice=share)
    for seed in range(5):
        assert main([str(tmp_path), "--val-share", "0.2", "--seed", str(seed), "--by-name"]) == 0
        strata = [stratum(shares[int(name[1:])]) for name in names(tmp_path / "val.csv")]
        assert np.bincount(strata).tolist() == [12, 2, 2, 2, 2]


def test_ice_is_counted_where_it_is_not_ignored(tmp_path, capsys):
    for number in range(4):
        write_pair(tmp_path, f"s{number}", ice=0.25, ignored=number < 2)
    assert main([str(tmp_path), "--val-share", "0.5", "--seed", "0"]) == 0
    assert capsys.readouterr().out.count("40.0%") == 2, "one file of 25 % and one of which ice alone counts"


def test_each_scene_is_held_out_by_one_fold(folder):
    assert main([str(folder), "--folds", "3"]) == 0
    folds = [rows(folder / f"val-{fold}.csv") for fold in range(3)]
    assert sorted(row for fold in folds for row in fold) == sorted(rows(folder / "train.csv") + folds[0])
    assert rows(folder / "val.csv") == folds[0]
    for fold in range(3):
        train = rows(folder / f"train-{fold}.csv")
        assert not set(train) & set(folds[fold])
        assert len(train) + len(folds[fold]) == 38
        scenes = {scene_of(Path(image).stem) for image, _ in folds[fold]}
        assert 6 <= len(scenes) <= 7
        assert not scenes & {scene_of(Path(image).stem) for image, _ in train}


def test_lists_of_earlier_folds_do_not_stay(folder):
    (folder / "val-notes.csv").write_text("mine")
    assert main([str(folder), "--folds", "4"]) == 0
    assert main([str(folder), "--folds", "2"]) == 0
    lists = {path.name for path in folder.glob("*.csv")}
    assert lists == {f"{side}{fold}.csv" for side in ("train", "val") for fold in ("", "-0", "-1")} | {
        "val-notes.csv"
    }
    assert main([str(folder)]) == 0
    assert {path.name for path in folder.glob("*.csv")} == {"train.csv", "val.csv", "val-notes.csv"}


def test_the_scene_can_be_told_from_the_name_in_another_way(tmp_path):
    for place in "abc":
        for sensor in ("aqua", "terra"):
            write_pair(tmp_path, f"{place}.{sensor}")
    write_pair(tmp_path, "d_1")
    assert main([str(tmp_path), "--scene-name", r"(.+)\.(?:aqua|terra)", "--val-share", "0.5"]) == 0
    for side in ("train", "val"):
        scenes = [name[0] for name in names(tmp_path / f"{side}.csv")]
        assert all(scenes.count(scene) == 2 for scene in scenes if scene != "d")


@pytest.mark.parametrize(
    ("name", "scene"),
    [("12", "12"), ("12_3", "12"), ("a_b_10", "a_b"), ("x.tiff_34", "x.tiff"), ("a_b", "a_b"), ("_7", "_7")],
)
def test_scene_of_a_name(name, scene):
    assert scene_of(name) == scene


def test_two_scenes_give_one_to_each_side(tmp_path):
    write_pair(tmp_path, "1")
    write_pair(tmp_path, "2")
    for share in ("0.01", "0.99"):
        assert main([str(tmp_path), "--val-share", share]) == 0
        assert len(rows(tmp_path / "train.csv")) == len(rows(tmp_path / "val.csv")) == 1


def remove_mask(folder):
    (folder / "gt" / "7.png").unlink()
    return "7.png: no such file"


def leave_tiles_of_one_scene(folder):
    for image in (folder / "image").iterdir():
        if not image.name.startswith("90_"):
            image.unlink()
    return "one scene only (90); names that end in _<number> are tiles of one scene unless --scene-name"


def leave_one_scene(folder):
    for image in (folder / "image").iterdir():
        if image.name != "92.tif":
            image.unlink()
    return "one scene only (92)\n"


def remove_images(folder):
    shutil.rmtree(folder / "image")
    return "image: no such folder"


def empty_images(folder):
    remove_images(folder)
    (folder / "image").mkdir()
    return "no .tif or .tiff"


def name_twice(folder):
    write_pair(folder, "5", ".TIF")
    write_pair(folder, "5.a")
    return "another scene has the name 5"


def break_scene(folder):
    (folder / "image" / "3.tif").write_bytes(b"II*\0nonsense")
    return "3.tif: cannot be read"


def mask_of_another_size(folder):
    cv2.imwrite(str(folder / "gt" / "4.png"), np.zeros((50, 40), np.uint8))
    return "4.png: is 40x50 pixels, but its scene is 50x40"


def all_alike(folder):
    for path in (folder / "image").iterdir():
        tifffile.imwrite(path, texture("one"), photometric="rgb")
    return "its 20 scenes form 1 group(s) that look alike (0, 1, 10 ...)"


def list_in_the_way(folder):
    (folder / "train.csv").mkdir()
    return "train.csv: cannot be written"


@pytest.mark.parametrize(
    "spoil",
    [remove_mask, leave_tiles_of_one_scene, leave_one_scene, remove_images, empty_images, name_twice,
     break_scene, mask_of_another_size, all_alike, list_in_the_way],
)  # fmt: skip
def test_bad_folder_is_one_line_that_names_it(folder, spoil, capsys):
    reason = spoil(folder)
    assert main([str(folder)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert reason in error
    assert not (folder / "train.csv").is_file()
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("part", [".", "image", "gt"])
def test_folder_without_permission_is_one_line(part, capsys):
    """As another user where the tests run as root, who may do everything."""
    folder = Path(tempfile.mkdtemp(prefix="split-"))
    try:
        for name in "ab":
            write_pair(folder, name)
        folder.chmod(0o755)
        (folder / part).chmod(0o555 if part == "." else 0o000)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            assert main([str(folder)]) == 2
        finally:
            os.seteuid(before)
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert str(folder / part) in error
    finally:
        for path in (folder, *folder.iterdir()):
            path.chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "arguments",
    [[], ["--val-share", "1"], ["--val-share", "nan"], ["--seed", "-1"], ["--no"], ["--folds", "1"],
     ["--folds", "21"], ["--folds", "3", "--val-share", "0.2"], ["--tile", "512"], ["--output", "x"],
     ["--scene-name", "(.+"], ["--scene-name", ".+"]],
)  # fmt: skip
def test_wrong_call_is_one_line(folder, arguments, capsys):
    assert main([str(folder), *arguments] if arguments else []) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (folder / "train.csv").exists()
