"""A training that is stopped at any moment says so in a line, where it still can."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.helpers.offline.training_process import (
    command,
    environment,
    start,
)
from tests.helpers.support import heed_signals
from train_offline.training import checkpoint


def test_a_lost_terminal_does_not_lose_the_training(data: Path, tmp_path: Path) -> None:
    """It closes while the bar is drawn on it: nothing can be said any more, but all is saved."""
    run = tmp_path / "run"
    ours, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))

    def take_terminal() -> None:
        heed_signals()
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    line = command(data, run, "--epochs", 1000, "--epoch-crops", 40000)
    process = subprocess.Popen(
        line, cwd=data, env=environment(data), stdin=terminal, stdout=terminal, stderr=terminal,
        preexec_fn=take_terminal,
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    while b"step=" not in shown:
        shown += os.read(ours, 65536)
    os.close(ours)
    assert process.wait(timeout=100) == 128 + signal.SIGHUP
    assert 0 < checkpoint.load(run / "last.pt").step < 10000
    assert not (run / "history.csv").exists(), "stopped in the middle of its first epoch"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    ("module", "delay"),
    [
        ("train", 0.0),
        ("train", 1.0),
        ("train", 4.0),
        ("export", 0.5),
        ("commands.export", 0.5),
        ("split", 0.0),
    ],
)
def test_a_signal_while_it_starts_ends_it_in_one_line(
    data: Path, tmp_path: Path, module: str, delay: float, number: int, code: int
) -> None:
    line = command(data, tmp_path / "run", "--epochs", 1000)
    if module != "train":
        line = [sys.executable, "-m", f"train_offline.{module}", str(tmp_path)]
    process = start(data, line)
    deadline = time.monotonic() + 100
    while "numpy" not in Path(f"/proc/{process.pid}/maps").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(number)
    error = process.communicate(timeout=100)[1]
    assert process.returncode == code, error
    (line,) = error.splitlines()
    assert line.startswith(f"{module.rpartition('.')[2]}: ")
