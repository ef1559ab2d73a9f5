"""Two processes share a training, however they were started."""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

import torch

from tests.helpers.offline.training import history
from tests.helpers.offline.training_process import (
    TRAIN,
    command,
    finish,
    start,
    wait_for,
)
from train_offline.training import checkpoint


def torchrun(data: Path, line: list[str]) -> list[str]:
    launcher = ["torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    return [sys.executable, "-m", *launcher, *line]


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
    line = torchrun(data, [*TRAIN[1:], "--run-folder", str(run), "--resume", "--steps"])
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
