"""A training that was killed or has moved goes on as if nothing had happened."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

from tests.helpers.offline.training_process import (
    SMALL,
    TRAIN,
    command,
    differences,
    finish,
    start,
    wait_for_new,
)
from train_offline.training import checkpoint

EPOCHS = ("--epochs", 7, "--mix", 0.3)


def unbroken(data: Path, run: Path) -> Path:
    """A run of seven epochs that nothing has interrupted."""
    result = finish(data, command(data, run, *EPOCHS))
    assert result.returncode == 0, result.stderr
    return run


def killed_twice(data: Path, run: Path) -> Path:
    """The same run, killed at two random moments and resumed to its end."""
    line = command(data, run, *EPOCHS, "--save-every", 0.002)
    steps: list[int] = []
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
    return run


def test_killed_at_random_moments_and_resumed_ends_like_an_unbroken_run(data: Path) -> None:
    """One fresh process in about a hundred rounds its first step otherwise, unbroken ones too; there are four
    here, hence a second try. A resumed run that lost anything would fail both.
    """
    found = []
    for number in range(2):
        runs = unbroken(data, data / f"whole {number}"), killed_twice(data, data / f"killed {number}")
        found.append(differences(*runs))
        if not found[-1]:
            return
    raise AssertionError(found)


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
