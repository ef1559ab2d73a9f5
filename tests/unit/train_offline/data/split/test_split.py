"""train.csv and val.csv: by scene, stratified, seeded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.helpers.offline.splittable import make_folder, names, rows, texture, write_pair
from train_offline.commands.split import main
from train_offline.data.split.groups import scene_of, stratum


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """20 scenes in 38 files."""
    return make_folder(tmp_path)


def test_nine_to_one_by_scene(folder: Path) -> None:
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


def test_seed_decides(folder: Path) -> None:
    def val_of(seed):
        assert main([str(folder), "--seed", seed, "--val-share", "0.4"]) == 0
        return rows(folder / "val.csv")

    first = val_of("3")
    assert val_of("3") == first
    assert any(val_of(str(seed)) != first for seed in range(4, 8))


def test_split_is_the_same_on_every_machine(folder: Path) -> None:
    """Worked out once: the shuffle must not depend on the processor, on Python's or on NumPy's version."""
    assert main([str(folder), "--seed", "1"]) == 0
    assert names(folder / "val.csv") == {"13", "2"}


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_scenes_that_look_alike_stay_on_one_side(tmp_path: Path, seed: str) -> None:
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


def test_both_sides_have_the_same_mixture_of_ice(tmp_path: Path) -> None:
    shares = [0.0] * 60 + [0.03] * 10 + [0.1] * 10 + [0.4] * 10 + [0.9] * 10
    for number, share in enumerate(shares):
        write_pair(tmp_path, f"s{number}", ice=share)
    for seed in range(5):
        assert main([str(tmp_path), "--val-share", "0.2", "--seed", str(seed), "--by-name"]) == 0
        strata = [stratum(shares[int(name[1:])]) for name in names(tmp_path / "val.csv")]
        assert np.bincount(strata).tolist() == [12, 2, 2, 2, 2]


def test_ice_is_counted_where_it_is_not_ignored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(4):
        write_pair(tmp_path, f"s{number}", ice=0.25, ignored=number < 2)
    assert main([str(tmp_path), "--val-share", "0.5", "--seed", "0"]) == 0
    assert capsys.readouterr().out.count("40.0%") == 2, "one file of 25 % and one of which ice alone counts"


def test_the_scene_can_be_told_from_the_name_in_another_way(tmp_path: Path) -> None:
    for place in "abc":
        for sensor in ("aqua", "terra"):
            write_pair(tmp_path, f"{place}.{sensor}")
    write_pair(tmp_path, "d_1")
    assert main([str(tmp_path), "--scene-name", r"(.+)\.(?:aqua|terra)", "--val-share", "0.5"]) == 0
    for side in ("train", "val"):
        scenes = [name[0] for name in names(tmp_path / f"{side}.csv")]
        assert all(scenes.count(scene) == 2 for scene in scenes if scene != "d")


def test_two_scenes_give_one_to_each_side(tmp_path: Path) -> None:
    write_pair(tmp_path, "1")
    write_pair(tmp_path, "2")
    for share in ("0.01", "0.99"):
        assert main([str(tmp_path), "--val-share", share]) == 0
        assert len(rows(tmp_path / "train.csv")) == len(rows(tmp_path / "val.csv")) == 1
