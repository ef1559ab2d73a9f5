"""What the first process of a container owes the engine: it stops at once, reaps orphans, leaves a trace."""

from __future__ import annotations

import os
import re
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from tests.docker.judge import Judge, docker
from tests.helpers.support import random_rgb, write_tiff

pytestmark = pytest.mark.docker


def test_stop_is_quick_from_the_first_millisecond(judge: Judge, drawn_scenes: Path, tmp_path: Path) -> None:
    """Signals that a container's first process does not catch are lost: docker then waits, and kills."""
    (tmp_path / "many").mkdir()
    for number in range(200):
        os.link(drawn_scenes / "a.tif", tmp_path / "many" / f"{number}.tif")
    mounts = ["--volume", f"{tmp_path / 'many'}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    slow = []
    for number in range(40):
        name = f"sea-ice-stop-{uuid.uuid4().hex[:12]}"
        assert docker("create", "--name", name, "--network", "none", *mounts, judge.image).returncode == 0
        start = subprocess.Popen(["docker", "start", name], stdout=subprocess.DEVNULL)
        start.wait()
        time.sleep(number % 20 / 1000)
        began = time.monotonic()
        docker("stop", "--time", "8", name)
        seconds = time.monotonic() - began
        code = docker("inspect", "--format", "{{.State.ExitCode}}", name).stdout.strip()
        docker("rm", "--force", name)
        if seconds > 4 or code != "143":  # eight is the grace; what is between is the engine's own pace
            slow.append((number, round(seconds, 2), code))
    assert not slow


def test_told_to_stop_over_and_over_it_ends_as_if_told_once(
    judge: Judge, drawn_scenes: Path, tmp_path: Path
) -> None:
    (tmp_path / "many").mkdir()
    for number in range(200):
        os.link(drawn_scenes / "a.tif", tmp_path / "many" / f"{number}.tif")
    mounts = ["--volume", f"{tmp_path / 'many'}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    for pause in (0, 0.0002, 0.001, 0.004):
        run = ["run", "--detach", "--network", "none", *mounts, judge.image]
        container = docker(*run).stdout.strip()
        shout = f"import os, time\nwhile True:\n os.kill(1, 15)\n time.sleep({pause})"
        time.sleep(0.3)
        docker("exec", container, "/opt/venv/bin/python", "-c", shout)
        assert docker("wait", container).stdout.strip() == "143"
        assert "Traceback" not in docker("logs", container).stderr
        docker("rm", "--force", container)


def test_the_first_process_reaps_what_others_leave(judge: Judge) -> None:
    orphans = "for i in 1 2 3; do (sleep 0.2 &) ; done; sleep 1; cat /proc/[0-9]*/stat"
    result = docker("run", "--rm", "--network", "none", judge.image, "sh", "-c", orphans)
    assert result.returncode == 0
    states = re.findall(r"^(\d+) \((.*)\) (\S)", result.stdout, re.M)
    assert len(states) >= 2
    assert not [state for state in states if state[2] == "Z"]


def test_a_run_without_a_terminal_leaves_a_trace(judge: Judge, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    first = write_tiff(tmp_path / "in" / "0.tif", random_rgb(1024, 1024))
    for number in range(1, 60):
        os.link(first, tmp_path / "in" / f"{number}.tif")
    mounts = ["--volume", f"{tmp_path / 'in'}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    run = ["run", "--detach", "--network", "none", "--cpus", "0.5", *mounts, judge.image]
    container = docker(*run).stdout.strip()
    try:
        deadline = time.monotonic() + 60
        while not (said := docker("logs", container).stderr) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert re.search(r"infer: \d+ of 60 scenes, 0 degraded, \d+\.\d+ scenes/s, 10 s", said), said
    finally:
        docker("rm", "--force", container)
