"""Synthetic scenes: the same from the same seed, masks that mean something, files in the target's form."""

from __future__ import annotations

import csv
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
import tifffile

from train_offline.commands.synthesize import (
    embedded_split,
    main,
    make_scene,
    write_embedded_split,
    write_scene,
)
from train_offline.scenery.batch import Order, plan
from train_offline.scenery.embedded import LIST, STAMP, VERSION, embedded_orders
from train_offline.scenery.noise import fractal, streaks
from train_offline.scenery.style import STYLES

ROOT = Path(__file__).parents[4]
FEW = [Order("a", 1, 96, True), Order("b", 2, 64, False)]


def _digest(seed: int) -> str:
    scene = make_scene(seed, 128, 160, ice=True)
    return hashlib.sha256(scene.image.tobytes() + scene.mask.tobytes()).hexdigest()


def test_same_seed_gives_same_scene_in_another_process():
    here = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {here!r}); import test_synthesize as t; print(t._digest(7))"
    other = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == _digest(7)
    assert _digest(8) != _digest(7)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 331), (257, 100), (512, 512)])
@pytest.mark.parametrize("ice", [True, False])
def test_any_size_has_the_promised_form(height: int, width: int, ice: bool):
    scene = make_scene(3, height, width, ice=ice)
    assert scene.image.shape == (height, width, 3)
    assert scene.mask.shape == (height, width)
    assert scene.image.dtype == scene.mask.dtype == np.uint8
    assert set(np.unique(scene.mask)) <= {0, 255}
    assert scene.image.std() > 1


def test_ice_is_there_when_wanted_and_only_then():
    for seed in range(40):
        assert np.count_nonzero(make_scene(seed, 96, 96, ice=True).mask) >= 0.005 * 96 * 96, seed
        assert not make_scene(seed, 96, 96, ice=False).mask.any(), seed
    left_to_chance = [make_scene(seed, 64, 64).mask.any() for seed in range(40)]
    assert 8 < sum(left_to_chance) < 36


def test_black_gaps_hold_no_ice():
    gaps = 0
    for seed in range(60):
        scene = make_scene(seed, 128, 128, ice=True)
        # Two pixels in: compression may leave a trace of light at the border of a gap.
        inside = cv2.erode((scene.image.max(axis=2) == 0).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        gaps += inside.sum() > 400
        assert not scene.mask[inside].any(), seed
    assert gaps >= 2  # else this test has looked at nothing


@pytest.mark.parametrize("style", STYLES)
def test_ice_differs_from_what_lies_beside_it(style: str):
    """Across the edge of the mask the image changes more than at random places inside one class."""
    across, within = [], []
    for seed in range(12):
        scene = make_scene(seed, 256, 256, ice=True, style=style)
        grey = cv2.GaussianBlur(scene.image, (0, 0), 1.5).astype(np.float32).mean(axis=2)
        step = np.abs(grey[:, 8:] - grey[:, :-8]) / (grey.std() + 1)
        differs = scene.mask[:, 8:] != scene.mask[:, :-8]
        across.append(step[differs])
        within.append(step[~differs])
    assert np.concatenate(across).mean() > 1.3 * np.concatenate(within).mean()


def test_colours_of_the_dark_style_lie_near_the_published_ones():
    """TARGET: ice 41, 37, 24 and the rest 54, 39, 24 (RGB); the mean of a randomised style stays near."""
    ice, rest = [], []
    for seed in range(30):
        scene = make_scene(seed, 192, 192, ice=True, style="dark")
        ice.append(scene.image[scene.mask > 0])
        rest.append(scene.image[(scene.mask == 0) & (scene.image.max(axis=2) > 0)])
    np.testing.assert_allclose(np.concatenate(ice).mean(axis=0), (41, 37, 24), rtol=0.34)
    np.testing.assert_allclose(np.concatenate(rest).mean(axis=0), (54, 39, 24), rtol=0.6)


@pytest.mark.parametrize("bad", [{"height": 63, "width": 64}, {"height": 64, "width": 2049}])
def test_sizes_outside_the_range_are_refused(bad: dict):
    with pytest.raises(ValueError, match="sizes go from 64 to 2048"):
        make_scene(0, **bad)


def test_unknown_style_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="dark, green"):
        make_scene(0, 64, 64, style="purple")


@pytest.mark.parametrize("scale", [12.0, 90.0])
def test_noise_has_its_wavelength_in_pixels_at_every_size(scale: float):
    """The correlation at a fixed distance does not depend on the size of the field."""

    def correlation(size: int) -> float:
        fields = [fractal(np.random.default_rng(i), (size, size), scale, 0.5) for i in range(6)]
        lag = int(scale / 4)
        return float(np.mean([np.corrcoef(f[:, lag:].ravel(), f[:, :-lag].ravel())[0, 1] for f in fields]))

    assert 0.3 < correlation(1024) < 0.95
    assert abs(correlation(1024) - correlation(400)) < 0.08


def test_streaks_run_along_their_angle():
    field = streaks(np.random.default_rng(0), (300, 300), 12, 6, 0.0)
    along, down = np.abs(np.diff(field, axis=1)).mean(), np.abs(np.diff(field, axis=0)).mean()
    assert down > 2.5 * along


def test_files_have_the_form_of_the_target(tmp_path: Path):
    scene = make_scene(5, 83, 70, ice=True)
    image, mask = write_scene(tmp_path, "x", scene)
    assert (image, mask) == (tmp_path / "image" / "x.tif", tmp_path / "gt" / "x.png")
    with tifffile.TiffFile(image) as file:
        tags = {tag.name: tag.value for tag in file.pages[0].tags.values()}
        np.testing.assert_array_equal(file.asarray(), scene.image)
    assert tags["Compression"] == 5  # LZW
    assert tags["Predictor"] == 2  # horizontal
    assert tags["RowsPerStrip"] == 5
    assert len(tags["StripOffsets"]) == 17
    assert not [name for name in tags if "Geo" in name or "Model" in name]
    read = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED)
    assert read.ndim == 2
    np.testing.assert_array_equal(read, scene.mask)


def test_plan_keeps_the_share_of_ice_and_takes_sizes_in_turn():
    orders = plan(20, (64, 128), seed=4, ice_share=0.25)
    assert sum(order.ice for order in orders) == 5
    assert Counter(order.size for order in orders) == {64: 10, 128: 10}
    assert len({order.seed for order in orders}) == len({order.stem for order in orders}) == 20
    assert orders == plan(20, (64, 128), seed=4, ice_share=0.25)
    assert {order.seed for order in orders}.isdisjoint(
        o.seed for o in plan(20, (64,), seed=5, ice_share=0.25)
    )


def test_embedded_split_is_twenty_scenes_with_ice_at_every_size():
    orders = embedded_orders()
    assert Counter(order.size for order in orders) == {512: 14, 1024: 4, 2048: 2}
    assert Counter(order.size for order in orders if order.ice) == {512: 5, 1024: 2, 2048: 1}
    assert len({order.stem for order in orders}) == 20


def test_embedded_split_is_drawn_once_and_again_for_another_version(tmp_path: Path):
    folder = tmp_path / "data" / "embedded"
    embedded_split(folder, 1, FEW)
    rows = list(csv.reader((folder / LIST).open()))
    assert rows == [["image", "label"], ["image/a.tif", "gt/a.png"], ["image/b.tif", "gt/b.png"]]
    assert all((folder / name).is_file() for row in rows[1:] for name in row)
    first = (folder / LIST).stat().st_mtime_ns
    embedded_split(folder, 1, FEW)
    assert (folder / LIST).stat().st_mtime_ns == first
    (folder / STAMP).write_text("0")
    (folder / "gt" / "a.png").unlink()
    embedded_split(folder, 1, FEW)
    assert (folder / "gt" / "a.png").is_file()
    assert (folder / STAMP).read_text().strip() == VERSION
    assert [path.name for path in folder.parent.iterdir()] == ["embedded"]


def test_failed_split_leaves_nothing_behind(tmp_path: Path):
    with pytest.raises(ValueError, match="sizes go from"):
        write_embedded_split(tmp_path / "split", 1, [*FEW, Order("c", 3, 9999, False)])
    assert list(tmp_path.iterdir()) == []


def test_split_does_not_touch_a_folder_of_something_else(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="move it away"):
        embedded_split(tmp_path, 1, FEW)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_stopped_it_leaves_neither_a_folder_nor_a_process(tmp_path: Path):
    line = ["--output", str(tmp_path / "out"), "--count", "400", "--size", "64", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "train_offline.commands.synthesize", *line],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".out.*/image/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    error = process.communicate(timeout=30)[1]
    assert process.returncode == 128 + signal.SIGTERM
    assert error.splitlines() == ["synthesize: stopped"]
    assert list(tmp_path.iterdir()) == []
    while _group(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)  # the resource tracker of multiprocessing ends a moment later
    assert not _group(process.pid)


def _group(leader: int) -> bool:
    """Whether a process of the leader's group is left; one that only nobody has looked after yet is not."""
    alive = (p for p in psutil.process_iter(["status"]) if p.info["status"] != psutil.STATUS_ZOMBIE)
    return any(_group_of(process) == leader for process in alive)


def _group_of(process: psutil.Process) -> int | None:
    try:
        return os.getpgid(process.pid)
    except ProcessLookupError:
        return None


def test_program_writes_what_it_is_asked_for(tmp_path: Path):
    out = tmp_path / "a b"
    arguments = ["--count", "4", "--size", "64,96", "--seed", "2", "--ice-share", "0.5", "--workers", "2"]
    assert main(["--output", str(out), *arguments]) == 0
    rows = list(csv.DictReader((out / "train.csv").open()))
    masks = [cv2.imread(str(out / row["label"]), cv2.IMREAD_UNCHANGED) for row in rows]
    assert sorted(mask.shape for mask in masks) == [(64, 64), (64, 64), (96, 96), (96, 96)]
    assert sum(bool(mask.any()) for mask in masks) == 2
    assert [tifffile.imread(out / row["image"]).shape[:2] for row in rows] == [mask.shape for mask in masks]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--size", "63"], "from 64 to 2048"),
        (["--count", "0"], "whole number from 1"),
        (["--ice-share", "2"], "from 0 to 1"),
        (["--frobnicate"], "frobnicate"),
        (["--list", "lists/train.csv"], "not the name of a file"),
        ([], "name a new or empty folder"),
    ],
)
def test_mistakes_give_one_line_and_exit_code_2(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture
):
    (tmp_path / "full").touch()
    code = main(["--output", str(tmp_path), *arguments])
    lines = capsys.readouterr().err.splitlines()
    assert code == 2
    assert len(lines) == 1
    assert says in lines[0]
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
