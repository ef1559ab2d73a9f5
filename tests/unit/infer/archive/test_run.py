"""`archive plan, run, status` as programs on folders: what the plain job makes, each once, whoever dies."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import rasterio

from infer.archive.units.unit import MAX_BEGUN, mask_key
from tests.helpers.job.placed import UTM, write_placed
from tests.helpers.support import REPO, heed_signals, random_rgb, run_infer

SIDE, COUNT = 512, 12  # over two megapixels: there the plain job chooses the engine that the archive does


def archive(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infer.archive", *map(str, arguments)]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=300)


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "infer.archive", *map(str, arguments)]
    return subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Placed scenes in two folders, of which one is broken and one belongs to another's mask."""
    folder = tmp_path_factory.mktemp("archive") / "scenes"
    for i in range(COUNT):
        path = folder / ("north" if i % 2 else "south") / f"s{i:02d}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_placed(path, random_rgb(SIDE, SIDE, i), **UTM)
    (folder / "broken.tif").write_bytes(b"no TIFF")
    (folder / "broken.tiff").write_bytes(b"no TIFF either")
    return folder


@pytest.fixture(scope="module")
def plain(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The plain job's masks of them, by their keys in the archive."""
    flat, out = tmp_path_factory.mktemp("flat"), tmp_path_factory.mktemp("masks")
    for path in scenes.rglob("*.tif"):
        (flat / path.name).symlink_to(path)
    result = run_infer("--input", flat, "--output", out, "--format", "geotiff", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    keys = [str(path.relative_to(scenes)) for path in scenes.rglob("*.tif")]
    return {mask_key(key, ".tif"): (out / Path(key).name).read_bytes() for key in keys}


def masks_of(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in (run / "masks").rglob("*.tif")}


def entries_of(run: Path) -> dict[str, dict]:
    receipts = [json.loads(path.read_bytes()) for path in run.glob("receipts/*.json")]
    found = [entry for receipt in receipts for entry in receipt["scenes"]]
    assert len({entry["key"] for entry in found}) == len(found) == COUNT + 2
    return {entry["key"]: entry for entry in found}


def test_a_folder_in_one_call(scenes: Path, plain: dict[str, bytes], tmp_path: Path) -> None:
    run = tmp_path / "run"
    result = archive("run", scenes, "--output", run, "--unit-scenes", "5")
    assert result.returncode == 4, result.stderr  # one scene has no mask of its own
    assert result.stdout == "14 scenes in 3 units: 12 ok, 1 degraded, 1 failed\n"
    assert "archive: 14 scenes in 3 units; 1 get no mask" in result.stderr
    assert "broken.tiff: failed: its mask belongs to broken.tif: rename one of them" in result.stderr
    assert masks_of(run) == plain
    entries = entries_of(run)
    states = [entry["status"] for entry in entries.values()]
    assert (states.count("ok"), states.count("degraded"), states.count("failed")) == (COUNT, 1, 1)
    one = entries["south/s00.tif"]
    content = (run / one["mask"]).read_bytes()
    assert (one["bytes"], one["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    with rasterio.open(run / one["mask"]) as mask:
        assert mask.transform == UTM["transform"]
    west, south, east, north = one["bounds"]
    assert 14.9 < west < east < 15.3
    assert 72 < south < north < 72.2
    status = archive("status", "--output", run, "--json")
    assert json.loads(status.stdout)["scenes_done"] == COUNT + 2
    again = archive("run", scenes, "--output", run, "--unit-scenes", "5")
    assert again.returncode == 0  # nothing was left to do
    assert masks_of(run) == plain


def test_two_at_once_and_one_that_is_killed(scenes: Path, plain: dict[str, bytes], tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert archive("plan", scenes, "--output", run, "--unit-scenes", "2").returncode == 0
    both = [start("run", "--output", run) for _ in range(2)]
    deadline = time.monotonic() + 120
    while not (run / "receipts").is_dir() and time.monotonic() < deadline:
        time.sleep(0.02)
    both[0].kill()
    for one in both:
        one.communicate(timeout=300)
    assert both[1].returncode in (0, 4)
    assert archive("run", "--output", run).returncode in (0, 4)  # what was in the killed one's hands
    assert masks_of(run) == plain
    entries_of(run)


def test_more_drivers_than_attempts_lose_nothing(
    scenes: Path, plain: dict[str, bytes], tmp_path: Path
) -> None:
    """Each of them may want the last unit; that is no fault of it."""
    run = tmp_path / "run"
    assert archive("plan", scenes, "--output", run, "--unit-scenes", "14").returncode == 0
    drivers = [start("run", "--output", run) for _ in range(5)]
    said = [driver.communicate(timeout=300)[1] for driver in drivers]
    assert sum("units are in other hands" in lines for lines in said) >= 3
    assert masks_of(run) == plain
    assert {entry["status"] for entry in entries_of(run).values()} == {"ok", "degraded", "failed"}
    assert len(list(run.glob("attempts/*/*"))) <= 2  # two at most have begun at once


def test_shards_make_the_whole_together(scenes: Path, plain: dict[str, bytes], tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert archive("plan", scenes, "--output", run, "--unit-scenes", "4").returncode == 0
    assert archive("run", "--output", run, "--shard", "0/2", "--quiet").returncode in (0, 4)
    assert 0 < len(masks_of(run)) < len(plain)
    assert archive("run", "--output", run, "--shard", "1/2", "--quiet").returncode in (0, 4)
    assert masks_of(run) == plain


def test_a_run_that_is_stopped_on_purpose_counts_against_no_unit(scenes: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert archive("plan", scenes, "--output", run, "--unit-scenes", "99").returncode == 0
    driver = start("run", "--output", run)
    deadline = time.monotonic() + 60
    while not list(run.glob("attempts/*/*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.3)  # it is noted at once, but after
    driver.send_signal(signal.SIGTERM)
    driver.communicate(timeout=60)
    assert driver.returncode == 143
    assert not list(run.glob("attempts/*/*"))


def test_a_unit_that_was_begun_too_often_is_named(scenes: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert archive("plan", scenes, "--output", run, "--unit-scenes", "99").returncode == 0
    for attempt in range(1, MAX_BEGUN + 1):
        path = run / "attempts" / "00000000" / f"{attempt:04d}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"nonce": "of one that died"}')
    result = archive("run", "--output", run)
    assert result.returncode == 4
    reasons = {entry["error"] for entry in entries_of(run).values()}
    assert len(reasons) == 1
    assert f"begun {MAX_BEGUN} times and never ended" in reasons.pop()


def test_what_changes_or_goes_after_the_plan_is_named(scenes: Path, tmp_path: Path) -> None:
    mine, run = tmp_path / "mine", tmp_path / "run"
    mine.mkdir()
    for name in ("a", "b", "c"):
        write_placed(mine / f"{name}.tif", random_rgb(40, 50, 3), **UTM)
    assert archive("plan", mine, "--output", run).returncode == 0
    write_placed(mine / "b.tif", random_rgb(41, 51, 4), **UTM)
    (mine / "c.tif").unlink()
    result = archive("run", "--output", run)
    assert result.returncode == 4
    assert "b.tif: failed: it has changed since the run was planned" in result.stderr
    assert "c.tif: failed: it has gone since the run was planned" in result.stderr
    assert [Path(name).name for name in masks_of(run)] == ["a.tif"]


def test_a_run_is_of_one_kind(scenes: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert archive("plan", scenes, "--output", run).returncode == 0
    for verb in (["plan", scenes], ["run"]):
        result = archive(*verb, "--output", run, "--tile", "256")
        assert result.returncode == 2
        (line,) = result.stderr.splitlines()
        assert "tile 2048, now 256" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan", "/nowhere", "--output", "{tmp}/o"], "no folder /nowhere"),
        (["plan", "{tmp}", "--output", "{tmp}/o"], "its masks would be taken for scenes"),
        (["plan", "{tmp}", "--output", "/proc/x"], "/proc/x"),
        (["run", "--output", "{tmp}/o"], "plan one first"),
        (["status", "--output", "{tmp}/o"], "plan it first"),
        (["plan", "ftp://a/b", "--output", "{tmp}/o"], "ftp"),
        (["plan", "{tmp}/empty", "--output", "{tmp}/o"], "no .tif or .tiff in"),
        (["fly"], "fly"),
        (["run", "--output", "{tmp}/o", "--tile", "77"], "--tile"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_2(arguments: list[str], words: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "s.tif").touch()
    result = archive(*(argument.format(tmp=tmp_path) for argument in arguments))
    assert result.returncode == 2, result.stderr
    (line,) = result.stderr.splitlines()
    assert line.startswith("archive: ")
    assert words in line


def test_ctrl_c_is_one_line_and_leaves_nothing_behind(
    scenes: Path, plain: dict[str, bytes], tmp_path: Path
) -> None:
    run, scratch = tmp_path / "run", tmp_path / "scratch"
    scratch.mkdir()
    assert archive("plan", scenes, "--output", run, "--unit-scenes", "1").returncode == 0
    command = [sys.executable, "-m", "infer.archive", "run", "--output", str(run)]
    mine = {**os.environ, "TMPDIR": str(scratch)}
    process = subprocess.Popen(
        command, cwd=REPO, stderr=subprocess.PIPE, text=True, env=mine, preexec_fn=heed_signals
    )
    deadline = time.monotonic() + 120
    while not (run / "receipts").is_dir() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.splitlines()[-1].startswith("archive: stopped")
    assert list(scratch.iterdir()) == []
    assert archive("run", "--output", run).returncode in (0, 4)
    assert masks_of(run) == plain
