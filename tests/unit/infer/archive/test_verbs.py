"""`archive retry, verify, map`: what is wrong is found and done again, and a page shows it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pyarrow
import pyarrow.parquet
import pytest

from tests.helpers.job.placed import UTM, write_placed
from tests.helpers.support import REPO, heed_signals, random_rgb


def archive(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infer.archive", *map(str, arguments)]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=300)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of four scenes in two units, b broken."""
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    for i, name in enumerate("acd"):
        write_placed(scenes / f"{name}.tif", random_rgb(40, 50, i), **UTM)
    (scenes / "b.tif").write_bytes(b"no TIFF")
    result = archive("run", scenes, "--output", tmp_path / "run", "--unit-scenes", "2")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "4 scenes in 2 units: 3 ok, 1 degraded, 0 failed\n"
    return tmp_path / "run"


def test_a_list_says_which_scenes_are_wanted(tmp_path: Path) -> None:
    for i, name in enumerate(("a", "b", "c")):
        write_placed(tmp_path / f"{name}.tif", random_rgb(40, 50, i), **UTM)
    wanted = {"key": ["a.tif", "c.tif", "a.tif"], "size": [(tmp_path / "a.tif").stat().st_size, 0, 0]}
    pyarrow.parquet.write_table(pyarrow.table(wanted), tmp_path / "list.parquet")
    result = archive("run", tmp_path / "list.parquet", "--output", tmp_path / "run")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "2 scenes in 1 units: 2 ok, 0 degraded, 0 failed\n"
    assert json.loads((tmp_path / "run" / "run.json").read_bytes())["source"] == str(tmp_path)
    missing = archive("plan", tmp_path / "no.parquet", "--output", tmp_path / "other")
    assert (missing.returncode, len(missing.stderr.splitlines())) == (2, 1)
    assert "no list" in missing.stderr


def test_a_source_that_is_refused_leaves_a_folder_that_takes_another(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "scenes").mkdir()
    write_placed(tmp_path / "scenes" / "a.tif", random_rgb(40, 50), **UTM)
    pyarrow.parquet.write_table(pyarrow.table({"key": ["a.tif", None]}), tmp_path / "scenes" / "l.parquet")
    for source in (tmp_path / "none", tmp_path / "scenes" / "l.parquet"):
        refused = archive("plan", source, "--output", tmp_path / "run")
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
    assert archive("plan", tmp_path / "scenes", "--output", tmp_path / "run").returncode == 0


def test_what_cannot_be_read_costs_itself_alone(tmp_path: Path) -> None:
    scenes = tmp_path / "scenes"
    (scenes / "folder.tif").mkdir(parents=True)
    write_placed(scenes / "a.tif", random_rgb(40, 50), **UTM)
    (scenes / "loop.tif").symlink_to("loop.tif")
    wanted = {"key": ["a.tif", "folder.tif", f"{'x' * 300}.tif", "loop.tif"]}
    pyarrow.parquet.write_table(pyarrow.table(wanted), scenes / "l.parquet")
    for source, failed in ((scenes, 1), (scenes / "l.parquet", 3)):
        result = archive("run", source, "--output", tmp_path / f"run{failed}")
        assert result.returncode == 4, result.stderr
        assert result.stdout == f"{1 + failed} scenes in 1 units: 1 ok, 0 degraded, {failed} failed\n"
        assert "archive: loop.tif: failed: it cannot be read: " in result.stderr


def test_a_run_is_watched_until_it_is_done_or_we_are_stopped(tmp_path: Path) -> None:
    (tmp_path / "scenes").mkdir()
    write_placed(tmp_path / "scenes" / "a.tif", random_rgb(40, 50), **UTM)
    assert archive("plan", tmp_path / "scenes", "--output", tmp_path / "run").returncode == 0
    command = [sys.executable, "-m", "infer.archive", "status", "--output", str(tmp_path / "run")]
    pipes = {"cwd": REPO, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    watching = [*command, "--watch", "0.1", "--json"]
    with (
        subprocess.Popen(watching, **pipes, preexec_fn=heed_signals) as stopped,
        subprocess.Popen(watching, **pipes) as watched,
    ):
        for process in (stopped, watched):
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["scenes_done"] == 0
        stopped.send_signal(signal.SIGINT)
        assert "Traceback" not in stopped.communicate()[1]
        assert stopped.returncode == 130
        assert archive("run", "--output", tmp_path / "run").returncode == 0
        last = watched.communicate(timeout=60)[0].splitlines()[-1]
    assert json.loads(last)["scenes_done"] == 1
    assert watched.returncode == 0


@pytest.mark.parametrize("verb", [["status"], ["status", "--watch"], ["verify"]], ids=" ".join)
def test_nobody_at_the_other_end_of_a_pipe_is_no_fault(tmp_path: Path, verb: list[str]) -> None:
    (tmp_path / "scenes").mkdir()
    write_placed(tmp_path / "scenes" / "a.tif", random_rgb(40, 50), **UTM)
    assert archive("plan", tmp_path / "scenes", "--output", tmp_path / "run").returncode == 0
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "infer.archive", *verb, "--output", str(tmp_path / "run")]
    told = subprocess.run(command, cwd=REPO, stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (told.returncode, told.stderr) == (0, b"")


@pytest.mark.parametrize("pause", ["0", "1e300", "nan", "x"])
def test_a_pause_that_is_none_is_one_line(tmp_path: Path, pause: str) -> None:
    refused = archive("status", "--output", tmp_path, "--watch", pause)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
    assert "--watch" in refused.stderr


def mask(run: Path, name: str) -> Path:
    (path,) = run.glob(f"masks/*/{name}.tif")
    return path


def test_wrong_masks_are_named_and_made_again(run: Path) -> None:
    good = archive("verify", "--output", run)
    assert (good.returncode, good.stdout, good.stderr) == (0, "0 wrong files\n", "")
    whole = {name: mask(run, name).read_bytes() for name in "abcd"}
    gone, changed, cut = mask(run, "a"), mask(run, "c"), mask(run, "d")
    gone.unlink()
    changed.write_bytes(whole["c"][:-1] + b"?")
    cut.write_bytes(whole["d"][:-1])
    sizes = archive("verify", "--output", run, "--sizes-only")
    assert (sizes.returncode, sizes.stdout) == (4, "2 wrong files\n")
    result = archive("verify", "--output", run, "--redo")
    assert (result.returncode, result.stdout) == (4, "3 wrong files, whose units are to be done again\n")
    assert sorted(result.stderr.splitlines()) == [
        "archive: a.tif: its mask is missing",
        "archive: c.tif: its mask is another one",
        "archive: d.tif: its mask is another one",
    ]
    assert archive("run", "--output", run).returncode == 0
    assert {name: mask(run, name).read_bytes() for name in "abcd"} == whole
    assert archive("verify", "--output", run).returncode == 0


def test_scenes_of_a_state_are_tried_again(run: Path) -> None:
    nothing = archive("retry", "--output", run)
    assert (nothing.returncode, nothing.stderr.split(" are ")[0]) == (0, "archive: 0 units")
    result = archive("retry", "--output", run, "--status", "degraded")
    assert result.stderr.startswith("archive: 1 units are to be done again: archive run --output ")
    assert json.loads(archive("status", "--output", run, "--json").stdout)["units_done"] == 1
    again = archive("run", "--output", run)
    assert again.stdout == "2 scenes in 1 units: 1 ok, 1 degraded, 0 failed\n"


def test_the_map_is_a_page_with_every_scene(run: Path, tmp_path: Path) -> None:
    page = tmp_path / "map.html"
    assert archive("map", "--output", run, "--to", page).returncode == 0
    pictures = {path.stem: cv2.imread(str(path)) for path in run.glob("pictures/*/*.jpg")}
    assert pictures.keys() == {"a", "c", "d"}
    assert all(picture.shape == (40, 50, 3) and picture.std() > 5 for picture in pictures.values())
    text = page.read_text()
    assert text.lower().startswith("<!doctype html>")
    assert all(f'"{name}.tif"' in text for name in "abcd")
    nowhere = archive("map", "--output", run, "--to", tmp_path / "no" / "map.html")
    assert nowhere.returncode == 2
    (line,) = nowhere.stderr.splitlines()
    assert line.startswith("archive: cannot write the map")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["retry", "--status", "ok"], "degraded, failed or both"),
        (["verify", "--tile", "512"], "unrecognized"),
        (["map"], "--to"),
        (["verify"], "plan it first"),
        (["retry"], "plan it first"),
        (["map", "--to", "x.html"], "plan one first"),
    ],
)
def test_a_wrong_call_is_one_line(arguments: list[str], words: str, tmp_path: Path) -> None:
    result = archive(*arguments, "--output", tmp_path / "nothing")
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert words in line
