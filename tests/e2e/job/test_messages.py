"""What a run prints, and the exit code that it ends with."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.helpers.support import random_rgb, read_masks, run_infer, write_tiff


def test_the_summary_is_one_line_on_stdout_and_stderr_is_silent(three_scenes: Path, tmp_path: Path) -> None:
    result = run_infer("--input", three_scenes, "--output", tmp_path / "o")
    assert re.fullmatch(r"3 scenes 0 degraded \d+\.\d\d s \d+\.\d MP/s \(\w+, \w+\)\n", result.stdout)
    assert result.stderr == ""


def test_quiet_says_nothing(three_scenes: Path, tmp_path: Path) -> None:
    result = run_infer("--input", three_scenes, "--output", tmp_path / "o", "--quiet")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert len(read_masks(tmp_path / "o")) == 3


def test_strict_makes_a_degraded_scene_an_exit_code(broken_scenes: Path, tmp_path: Path) -> None:
    result = run_infer("--input", broken_scenes, "--output", tmp_path / "o", "--strict")
    assert result.returncode == 3
    assert len(read_masks(tmp_path / "o")) == 7


def test_a_name_cannot_forge_a_line(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a\ninfer: b.tif: fake.tif").write_text("no")
    result = run_infer("--input", tmp_path / "in", "--output", tmp_path / "o")
    assert len(result.stderr.splitlines()) == 1
    assert (tmp_path / "o" / "a\ninfer: b.tif: fake.png").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--input", "{tmp}/nowhere"], "no input folder"),
        (["--input", "{file}"], "is not a folder"),
        (["--input", "{scenes}", "--frobnicate"], "--frobnicate"),
        (["--input", "{scenes}", "--tile", "100"], "multiple of 16"),
        (["--input", "{scenes}", "--tile", "64", "--overlap", "64"], "--overlap"),
        (["--input", "{scenes}", "--batch", "0"], "--batch"),
        (["--input", "{scenes}", "--threshold", "0"], "between 0 and 1"),
        (["--input", "{scenes}", "--threshold", "1.0"], "between 0 and 1"),
        (["--input", "{scenes}", "--threshold", "nan"], "between 0 and 1"),
        (["--input", "{scenes}", "--threshold", "half"], "between 0 and 1"),
        (["--input", "{scenes}", "--device", "tpu"], "--device"),
        (["--input", "{scenes}", "--weights", "{tmp}/none.safetensors"], "weights"),
        (["--input", "{scenes}", "--weights", "{file}"], "weights"),
        (["--input", "{scenes}", "--output", "{file}"], "output folder"),
        (["--input", "{scenes}", "--output", "/proc/nowhere"], "output folder"),
        (["--input", "{scenes}", "--report", "/proc/nowhere/r.json"], "report"),
        (["--input", "{scenes}", "--report", "{tmp}"], "is a folder"),
        (["--input", "{scenes}", "--report", "{file}/r.json"], "is not a folder"),
        (["--input", ""], "is empty"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_2(
    arguments: list[str], reason: str, three_scenes: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    places = {"tmp": tmp_path, "file": tmp_path / "file", "scenes": three_scenes}
    filled = [argument.format(**places) for argument in arguments]
    if "--output" not in filled:
        filled += ["--output", str(tmp_path / "o")]
    result = run_infer(*filled)
    assert result.returncode == 2, result.stderr
    assert not list((tmp_path / "o").glob("*"))
    (line,) = result.stderr.splitlines()
    assert line.startswith("infer: ")
    assert reason in line


def test_an_empty_folder_is_exit_5_and_named(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    result = run_infer("--input", tmp_path / "in", "--output", tmp_path / "o")
    assert result.returncode == 5
    assert result.stdout.startswith("0 scenes 0 degraded")
    (line,) = result.stderr.splitlines()
    assert f"no .tif or .tiff in {tmp_path / 'in'}" in line
    assert os.listdir(tmp_path / "o") == []


def test_scenes_in_subfolders_are_counted_and_not_made(three_scenes: Path, tmp_path: Path) -> None:
    above = tmp_path / "above"
    above.mkdir()
    three_scenes.rename(above / "images")
    (above / "images" / "notes.txt").touch()
    result = run_infer("--input", above, "--output", tmp_path / "o")
    assert result.returncode == 5
    (line,) = result.stderr.splitlines()
    assert f"3 scenes in {above / 'images'} are not looked at: mount that folder" in line
    write_tiff(above / "x.tif", random_rgb(32, 48))
    result = run_infer("--input", above, "--output", tmp_path / "o")
    assert (result.returncode, os.listdir(tmp_path / "o")) == (0, ["x.png"])
    (line,) = result.stderr.splitlines()
    assert "3 scenes in" in line


@pytest.mark.parametrize("strict", [[], ["--strict"]])
def test_a_folder_of_which_nothing_can_be_read_is_exit_6(tmp_path: Path, strict: list[str]) -> None:
    (tmp_path / "in").mkdir()
    for i in range(25):
        (tmp_path / "in" / f"{i:02}.tif").write_bytes(b"no TIFF")
    command = ["--input", tmp_path / "in", "--output", tmp_path / "o", "--report", tmp_path / "r.json"]
    result = run_infer(*command, *strict)
    assert result.returncode == 6
    assert len(read_masks(tmp_path / "o")) == 25
    *named, rest = result.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in named] == [f"{i:02}.tif" for i in reversed(range(5, 25))]
    assert rest == "infer: and 5 more degraded scenes; --report names them all"
    told = json.loads((tmp_path / "r.json").read_text())["scenes"]
    assert [scene["status"] for scene in told] == ["degraded"] * 25


def test_a_mask_that_cannot_be_written_is_exit_4(three_scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    (out / "odd.png").mkdir(parents=True)
    result = run_infer("--input", three_scenes, "--output", out)
    assert result.returncode == 4
    assert "infer: odd.TIFF: cannot write odd.png" in result.stderr
    assert "1 failed" in result.stdout
    assert sorted(os.listdir(out)) == ["a.b.png", "odd.png", "plain.png"]
