"""Signals: a stopped run leaves whole masks only, at whatever moment it is stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.support import (
    REPO,
    heed_signals,
    job,
    random_rgb,
    read_masks,
    without_progress,
    write_tiff,
)


def _start(folder: Path, out: Path) -> subprocess.Popen[str]:
    command = job(folder, out)
    return subprocess.Popen(command, cwd=REPO, stderr=subprocess.PIPE, text=True, preexec_fn=heed_signals)


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
STOPPED = "infer: stopped: the masks so far are whole; --resume makes the rest\n"


@pytest.fixture
def sixty_scenes(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for i in range(60):
        write_tiff(tmp_path / "in" / f"{i}.tif", random_rgb(512, 512, seed=i % 3))
    return tmp_path / "in"


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_stopped_run_leaves_whole_masks_only(
    sixty_scenes: Path, tmp_path: Path, number: int, code: int
) -> None:
    out = tmp_path / "o"
    process = _start(sixty_scenes, out)
    deadline = time.monotonic() + 120
    while not (out.is_dir() and any(out.glob("*.png"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, without_progress(stderr)) == (code, STOPPED)
    masks = read_masks(out)
    assert 0 < len(masks) < 60
    assert all(mask.shape == (512, 512) for mask in masks.values())


def _loads_numpy(pid: int) -> bool:
    """Whether the child that works has come to NumPy."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return any("numpy" in Path(f"/proc/{child}/maps").read_text() for child in children)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("delay", [0.0, 0.2, 0.5, 0.8, 1.1])
def test_a_signal_while_it_starts_ends_it(
    sixty_scenes: Path, tmp_path: Path, number: int, code: int, delay: float
) -> None:
    process = _start(sixty_scenes, tmp_path / "o")
    while process.poll() is None and not _loads_numpy(process.pid):
        time.sleep(0.005)
    time.sleep(delay)  # somewhere among the imports of NumPy, OpenCV, DALI and torch
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (code, STOPPED)


def test_a_signal_need_not_wait_for_native_code() -> None:
    program = (
        "import hashlib; from infer.process.signals import leave_on_signals_at_any_moment as on_signals\n"
        f"on_signals({STOPPED.strip()!r}, lambda: print('cleaned', flush=True)); print('ready', flush=True)\n"
        "hashlib.pbkdf2_hmac('sha512', b'', b'', 10**9)"  # many minutes, no step of Python in between
    )
    for number, code in SIGNALS:
        process = subprocess.Popen(
            [sys.executable, "-c", program], cwd=REPO, text=True, preexec_fn=heed_signals,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
        assert (process.returncode, stdout, stderr) == (code, "cleaned\n", STOPPED)
