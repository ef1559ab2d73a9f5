"""Training as processes: killed and resumed, shared by two of them, stopped at any moment, on bad disks."""

from __future__ import annotations

import csv
import fcntl
import os
import pty
import random
import resource
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
import torch

from tests.helpers.blobs import write_scene
from tests.helpers.support import REPO, heed_signals
from train_offline.training import checkpoint

TINY = "--preset modern --crop 32 --batch 4 --epoch-crops 48 --precision fp32 --device cpu --no-tensorboard"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    for number in range(4):
        write_scene(folder / "data", str(number), number)
    write_scene(folder / "held out", "4", 50)
    return folder


def command(data: Path, run: Path, *more: object) -> list[str]:
    folders = ["--data", data / "data", "--val", data / "held out", "--run-folder", run]
    return [
        sys.executable,
        "-m",
        "train_offline.commands.train",
        *map(str, folders),
        *TINY.split(),
        *map(str, more),
    ]


def environment(data: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("OPENCV_")}
    return {**ours, "PYTHONPATH": str(REPO), "XDG_CACHE_HOME": str(data / "cache")}


def finish(data: Path, line: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        line, capture_output=True, text=True, timeout=300, env=environment(data), **{"cwd": data, **options}
    )


def start(data: Path, line: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        line,
        cwd=data,
        env=environment(data),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_signals,
    )


def wait_for_new(path: Path, process: subprocess.Popen[str], before: int) -> None:
    """Until there is a checkpoint of a later step."""
    wait_for(path, process)
    while checkpoint.load(path).step <= before:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 200
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def history(run: Path) -> list[dict[str, str]]:
    with (run / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def assert_same_run(first: Path, second: Path) -> None:
    """The same weights bit for bit in both checkpoints, and the same history but for the clock."""
    for name in ("last.pt", "best.pt"):
        a, b = checkpoint.load(first / name), checkpoint.load(second / name)
        assert (a.step, a.best, a.scores) == (b.step, b.best, b.scores)
        for mine, other in ((a.model, b.model), (a.ema, b.ema)):
            assert mine.keys() == other.keys()
            assert all(torch.equal(mine[key], other[key]) for key in mine)
    clock = {"seconds", "crops_per_second"}
    rows, others = history(first), history(second)
    assert len(rows) == len(others)
    for row, other in zip(rows, others, strict=True):
        for column in row.keys() - clock:
            assert float(row[column]) == pytest.approx(float(other[column]), abs=2e-5, nan_ok=True), column


@pytest.fixture(scope="module")
def whole(data: Path) -> Path:
    """A run of seven epochs that nothing has interrupted."""
    result = finish(data, command(data, data / "whole", "--epochs", 7, "--mix", 0.3))
    assert result.returncode == 0, result.stderr
    return data / "whole"


def test_killed_at_random_moments_and_resumed_ends_like_an_unbroken_run(data: Path, whole: Path) -> None:
    run = data / "killed"
    line = command(data, run, "--epochs", 7, "--mix", 0.3, "--save-every", 0.002)
    steps = []
    for _ in range(2):
        process = start(data, line)
        wait_for_new(run / "last.pt", process, before=steps[-1] if steps else 0)
        time.sleep(random.uniform(0, 0.7))
        process.kill()
        assert process.wait(timeout=60) == -signal.SIGKILL
        steps.append(checkpoint.load(run / "last.pt").step)
        line = [*command(data, run), "--resume"]
    assert 0 < steps[0] < steps[1] < 84
    result = finish(data, line)
    assert result.returncode == 0, result.stderr
    assert f"from step {steps[1]}" in result.stdout
    assert_same_run(whole, run)


def test_resumes_from_another_folder_and_names_what_has_moved(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    line = [
        sys.executable,
        "-m",
        "train_offline.commands.train",
        "--data",
        "data",
        "--cache",
        "kept",
        *TINY.split(),
    ]
    assert finish(data, [*line, "--run", str(run), "--steps", "2"]).returncode == 0
    again = [sys.executable, "-m", "train_offline.commands.train", "--run", "run", "--resume", "--steps"]
    result = finish(data, [*again, "4"], cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert checkpoint.load(run / "last.pt").step == 4
    assert not (tmp_path / "kept").exists()
    (data / "data").rename(data / "moved")
    try:
        result = finish(data, [*again, "6"], cwd=tmp_path)
    finally:
        (data / "moved").rename(data / "data")
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert str(data / "data") in line
    assert "--data" in line


def torchrun(data: Path, line: list[str]) -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone",
            *line]  # fmt: skip


def test_torchrun_shares_the_work_between_two_processes(data: Path, tmp_path: Path) -> None:
    """Two processes with batches of two see the crops of one with batches of four, and end up alike."""
    arguments = command(data, tmp_path / "run", "--epochs", 2, "--batch", 2, "--workers", 1)[3:]
    script = str(Path(__file__).with_name("ranks.py"))
    result = finish(data, torchrun(data, [script, str(tmp_path), *arguments]))
    assert result.returncode == 0, result.stderr
    first, second = (torch.load(tmp_path / f"rank{rank}.pt") for rank in range(2))
    for part in ("model", "ema"):
        assert all(torch.equal(first[part][key], second[part][key]) for key in first[part])
    assert [row["step"] for row in history(tmp_path / "run")] == ["12", "24"]
    assert history(tmp_path / "run")[-1]["held out/fwiou"]

    alone = command(data, tmp_path / "alone", "--epochs", 2, "--batch", 4)[3:]
    line = [sys.executable, script, str(tmp_path / "one"), *alone]
    (tmp_path / "one").mkdir()
    assert finish(data, line).returncode == 0
    single = torch.load(tmp_path / "one" / "rank0.pt")["crops"]
    assert len(single) == len(first["crops"]) == len(second["crops"]) == 12
    for whole_batch, mine, other in zip(single, first["crops"], second["crops"], strict=True):
        shared = {crop.numpy().tobytes() for crop in (*mine, *other)}
        assert len(shared) == 4
        assert shared == {crop.numpy().tobytes() for crop in whole_batch}


def test_torchrun_takes_the_program_itself_and_saves_when_it_is_stopped(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    module = ["-m", *command(data, run, "--epochs", 1000)[2:]]
    process = start(data, torchrun(data, module))
    wait_for(run / "history.csv", process)
    process.send_signal(signal.SIGTERM)
    error = process.communicate(timeout=100)[1]
    assert "saved at step" in error
    assert checkpoint.load(run / "last.pt").step > 0
    resumed = checkpoint.load(run / "last.pt").step + 2
    line = torchrun(
        data, ["-m", "train_offline.commands.train", "--run-folder", str(run), "--resume", "--steps"]
    )
    result = finish(data, [*line, str(resumed)])
    assert result.returncode == 0, result.stderr
    assert checkpoint.load(run / "last.pt").step == resumed


def test_a_checkpoint_that_cannot_be_written_ends_all_processes_in_a_line(data: Path, tmp_path: Path) -> None:
    """Only the first of them writes it; the other must not wait for it, nor end in a traceback."""
    line = command(data, tmp_path / "run", "--epochs", 2, "--devices", 2, "--workers", 0)
    limit = (1_000_000, 1_000_000)  # bytes of a file
    result = finish(data, line, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    assert result.returncode == 2
    assert "last.pt: cannot be written: " in result.stderr
    assert "Traceback" not in result.stderr
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["settings.json"]


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
    ("program", "delay"), [("train", 0.0), ("train", 1.0), ("train", 4.0), ("export", 0.5), ("split", 0.0)]
)
def test_a_signal_while_it_starts_ends_it_in_one_line(
    data: Path, tmp_path: Path, program: str, delay: float, number: int, code: int
) -> None:
    line = command(data, tmp_path / "run", "--epochs", 1000)
    if program != "train":
        line = [sys.executable, "-m", f"train_offline.{program}", str(tmp_path)]
    process = start(data, line)
    deadline = time.monotonic() + 100
    while "numpy" not in Path(f"/proc/{process.pid}/maps").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(number)
    error = process.communicate(timeout=100)[1]
    assert process.returncode == code, error
    (line,) = error.splitlines()
    assert line.startswith(f"{program}: ")
