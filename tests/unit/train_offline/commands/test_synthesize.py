"""`synthesize` as a command: what it writes, and that it leaves nothing when it is stopped."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import psutil
import pytest
import tifffile

from tests.helpers.support import REPO
from train_offline.commands.synthesize import main


def test_stopped_it_leaves_neither_a_folder_nor_a_process(tmp_path: Path) -> None:
    line = ["--output", str(tmp_path / "out"), "--count", "400", "--size", "64", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "train_offline.commands.synthesize", *line],
        cwd=REPO, stderr=subprocess.PIPE, text=True, start_new_session=True,
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


def test_program_writes_what_it_is_asked_for(tmp_path: Path) -> None:
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
        (["--count", "0"], "whole number of at least 1"),
        (["--ice-share", "2"], "at least 0 and at most 1"),
        (["--frobnicate"], "frobnicate"),
        (["--list", "lists/train.csv"], "not the name of a file"),
        ([], "name a new or empty folder"),
    ],
)
def test_mistakes_give_one_line_and_exit_code_2(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "full").touch()
    code = main(["--output", str(tmp_path), *arguments])
    lines = capsys.readouterr().err.splitlines()
    assert code == 2
    assert len(lines) == 1
    assert says in lines[0]
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
