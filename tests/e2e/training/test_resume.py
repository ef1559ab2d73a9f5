"""A training that was killed or has moved goes on as if nothing had happened."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

from tests.helpers.offline.training_process import (
    SMALL,
    TRAIN,
    assert_same_run,
    command,
    finish,
    start,
    wait_for_new,
)
from train_offline.training import checkpoint


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
    line = [*TRAIN, "--data", "data", "--cache", "kept", *SMALL.split()]
    assert finish(data, [*line, "--run", str(run), "--steps", "2"]).returncode == 0
    again = [*TRAIN, "--run", "run", "--resume", "--steps"]
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
