"""Native code that kills its process: it costs the scene that caused it, and no other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import psutil
import pytest

from tests.helpers.support import REPO, random_rgb, read_masks, without_progress, write_tiff
from train_offline.judging.dry_run import dry_run
from train_offline.judging.run.runs import Places, Process
from train_offline.judging.settings import DryRunSettings

# The program with a decoder that dies as a native one does: by a real signal, at a scene of a certain name.
PROGRAM = """
    import os, signal, sys, threading
    import infer.read.decoder, infer.predict.predictor
    from infer.__main__ import _work
    from infer.process.supervisor import supervise
    from infer.settings import smaller_tile

    number, stage, bad = int(sys.argv.pop(1)), sys.argv.pop(1), sys.argv.pop(1)

    def kill(number):  # this very thread, as a fault does: os.kill may strike when it has gone on
        signal.pthread_kill(threading.get_ident(), number)

    def deadly(original):
        def method(self, scenes):
            if any(bad in str(getattr(scene, "name", "")) for scene in scenes):
                kill(number)
            return original(self, scenes)
        return method

    if stage == "decode":
        infer.read.decoder.Decoder.decode = deadly(infer.read.decoder.Decoder.decode)
    else:  # a scene whose first pixel is 77, or any
        def predict(self, images, original=infer.predict.predictor.Predictor.predict):
            if any(image[0, 0, 0] == 77 or bad == "*" for image in images):
                kill(number)
            return original(self, images)
        infer.predict.predictor.Predictor.predict = predict
    sys.exit(supervise(_work, smaller_tile))
"""


@pytest.fixture
def twelve_scenes(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(12):
        image = random_rgb(64, 96, seed=i + 1)
        image[0, 0, 0] = 77 if i == 5 else 0
        write_tiff(folder / f"{i:02}.tif", image)
    return folder


def run(scenes: Path, output: Path, number: int, stage: str, bad: str) -> tuple[int, str, dict[str, Any]]:
    report = output.with_name("report.json")
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(number), stage, bad, "--input", str(scenes),
         "--output", str(output), "--report", str(report), "--device", "cpu", "--batch", "4"],
        cwd=REPO, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return result.returncode, result.stderr, json.loads(report.read_text()) if report.exists() else {}


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
@pytest.mark.parametrize("stage", ["decode", "predict"])
def test_a_crash_costs_one_scene(twelve_scenes: Path, tmp_path: Path, number: int, stage: str) -> None:
    code, _, report = run(twelve_scenes, tmp_path / "whole", 0, "decode", "none")
    assert (code, report["seconds"]["retries"]) == (0, 0)
    whole = read_masks(tmp_path / "whole")
    code, said, report = run(twelve_scenes, tmp_path / "out", number, stage, "05")
    assert code == 0, said
    assert "Traceback" not in said
    masks = read_masks(tmp_path / "out")
    assert len(masks) == 12
    again = {name for redone in report["redone"] for name in redone["scenes"] if redone["stage"] == "process"}
    assert "05.tif" in again, "and what was at hand with it"
    for name, mask in masks.items():
        wrong = np.count_nonzero(mask != whole[name] * (name != "05.png"))
        # Alone and in company, sums are rounded in another order, which may turn a pixel on the very edge.
        assert wrong <= 2 * (name.replace("png", "tif") in again), name
    status = {scene["name"]: scene["status"] for scene in report["scenes"]}
    assert [name for name, what in status.items() if what == "degraded"] == ["05.tif"]
    assert set(status.values()) == {"ok", "degraded"}
    assert signal.Signals(number).name in report["scenes"][5]["error"]
    assert 0.01 < report["seconds"]["retries"] < report["seconds"]["start"]
    assert sorted(os.listdir(tmp_path / "out")) == sorted(masks)


class Crashing(Process):
    """The job with a decoder that dies at scene 05, as a submission to judge."""

    def command(self, places: Places) -> list[str]:
        python, _, _, *arguments = super().command(places)
        return [python, "-c", textwrap.dedent(PROGRAM), str(int(signal.SIGSEGV)), "decode", "05", *arguments]


def test_a_dry_run_shows_what_a_crash_cost(twelve_scenes: Path, tmp_path: Path) -> None:
    settings = DryRunSettings(data=twelve_scenes, report_dir=tmp_path / "r", device="cpu")
    assert dry_run(settings, Crashing(settings)) == 0
    report = json.loads((tmp_path / "r" / "report.json").read_text())
    parts = {part["name"]: part["seconds"] for part in report["seconds"]["parts"]}
    assert parts["retries"] > 0.01
    assert sum(parts.values()) == pytest.approx(report["seconds"]["wall"]["median"], rel=0.05)
    (redone,) = (one for one in report["redone"] if "05.tif" in one["scenes"])
    assert (redone["stage"], "SIGSEGV" in redone["reason"]) == ("process", True)
    page = (tmp_path / "r" / "report.html").read_text()
    assert "What did not go at once" in page
    assert redone["reason"] in page
    assert "05.tif: reading or predicting it killed the process" in page
    schema = REPO / "train_offline" / "judging" / "report" / "report.schema.json"
    jsonschema.validate(report, json.loads(schema.read_text()))


KILLED_ABOVE_512 = """
    import os, sys
    import infer.predict.predictor
    from infer.__main__ import _work
    from infer.process.supervisor import supervise
    from infer.settings import smaller_tile

    def predict(self, images, original=infer.predict.predictor.Predictor.predict):
        if self.tile > 512:
            os.kill(os.getpid(), 9)
        return original(self, images)
    infer.predict.predictor.Predictor.predict = predict
    sys.exit(supervise(_work, smaller_tile))
"""


def test_a_process_that_the_kernel_kills_goes_on_with_half_the_tile(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, side in {"large": 1100, "other": 900, "small": 96}.items():
        write_tiff(tmp_path / "in" / f"{name}.tif", random_rgb(side, side - 32, seed=side))
    command = ["--input", tmp_path / "in", "--output", tmp_path / "out", "--report", tmp_path / "r.json"]
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED_ABOVE_512), *map(str, command), "--device", "cpu"],
        cwd=REPO, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    (line,) = without_progress(result.stderr).splitlines()
    assert line == "infer: the process was killed by SIGKILL: going on with tiles of 512 pixels"
    assert read_masks(tmp_path / "out").keys() == {"large.png", "other.png", "small.png"}
    report = json.loads((tmp_path / "r.json").read_text())
    assert {scene["status"] for scene in report["scenes"]} == {"ok"}
    assert any(redone["stage"] == "process" for redone in report["redone"])


def test_a_program_that_always_crashes_still_leaves_masks(twelve_scenes: Path, tmp_path: Path) -> None:
    code, said, report = run(twelve_scenes, tmp_path / "out", signal.SIGSEGV, "predict", "*")
    assert code == 6
    masks = read_masks(tmp_path / "out")
    assert len(masks) == 12
    assert not any(mask.any() for mask in masks.values())
    assert {scene["status"] for scene in report["scenes"]} == {"degraded"}
    assert said.count("killed") >= 12


def test_whoever_kills_the_program_leaves_no_child_behind(twelve_scenes: Path, tmp_path: Path) -> None:
    for i in range(12, 60):
        write_tiff(twelve_scenes / f"{i:02}.tif", random_rgb(512, 512, seed=i))
    command = [sys.executable, "-m", "infer", "--input", twelve_scenes, "--output", tmp_path / "out"]
    process = subprocess.Popen(list(map(str, command)), cwd=REPO)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 30
    while not children.read_text().split() and time.monotonic() < deadline:
        time.sleep(0.01)
    child = psutil.Process(int(children.read_text().split()[0]))
    process.kill()
    process.wait()
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(child)


def is_alive(process: psutil.Process) -> bool:
    """A zombie is not: where nobody reaps orphans it stays one."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
