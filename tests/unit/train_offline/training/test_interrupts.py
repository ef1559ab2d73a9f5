"""A signal or a kill at any moment, after which nothing is lost or doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.helpers.offline.training import (
    arguments,
    assert_same_end,
    history,
    resume,
    same_weights,
    stop_in,
    train,
)
from tests.helpers.support import REPO
from train_offline.commands.train import main
from train_offline.training import checkpoint
from train_offline.training.log.reports import Reports
from train_offline.training.loop import Training
from train_offline.training.validation import Validation


def broken_and_resumed(labelled, run, *more):
    """Stopped by SIGTERM wherever it happens to be, it saves, says so, and goes on to the end."""
    command = [sys.executable, "-m", "train_offline.commands.train", *arguments(labelled, run, *more)]
    process = subprocess.Popen(
        command, cwd=REPO, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    deadline = time.monotonic() + 120
    while not (run / "history.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGTERM, error
    assert "--resume" in error
    assert "Traceback" not in error
    assert 0 < checkpoint.load(run / "last.pt").step < 40
    assert main(["--run", str(run), "--resume"]) == 0
    assert [row["step"] for row in history(run)] == [str(4 * k) for k in range(1, 11)]
    return run


def test_killed_and_resumed_gives_the_weights_of_an_unbroken_run(labelled: Path, tmp_path: Path) -> None:
    """Of a hundred fresh processes one or two round their very first step otherwise, from the same weights
    and crops, unbroken ones too: hence a second try. A resumed run that lost anything would fail both.
    """
    more = ("--steps", 40, "--workers", 1)
    assert main(arguments(labelled, tmp_path / "whole", *more)) == 0
    tries = (broken_and_resumed(labelled, tmp_path / f"broken {number}", *more) for number in range(2))
    assert any(same_weights(tmp_path / "whole", run) for run in tries)


@pytest.mark.parametrize(
    "extra",
    [
        ["--arch", "deeplabv3plus", "--encoder", "resnet18"],
        ["--precision", "bf16"],
        ["--deep-supervision", "0.5", "--boundary", "1"],
    ],
)
def test_resuming_in_the_middle_of_an_epoch_gives_the_same_weights(
    folders: Path, extra, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With dropout (deeplabv3plus), whose random numbers must go on too; in bf16 too, on one machine."""
    assert train(folders, "whole", "--steps", 7, "--no-tensorboard", *extra) == 0
    with monkeypatch.context() as patch:
        stop_in(3, patch)
        assert train(folders, "cut", "--steps", 7, "--no-tensorboard", *extra) == 128 + signal.SIGTERM
    assert checkpoint.load(folders / "cut" / "last.pt").step == 3, "epochs have four steps"
    assert resume(folders / "cut") == 0
    whole, cut = (checkpoint.load(folders / name / "last.pt") for name in ("whole", "cut"))
    assert whole.step == cut.step == 7
    assert all(torch.equal(whole.model[name], cut.model[name]) for name in whole.model)
    assert all(torch.equal(whole.ema[name], cut.ema[name]) for name in whole.ema)
    losses = [[float(row["loss"]) for row in history(folders / name)] for name in ("whole", "cut")]
    assert losses[0] == pytest.approx(losses[1], abs=2e-5)


@pytest.mark.parametrize("where", [(Validation, "scores"), (Reports, "epoch")])
def test_killed_while_it_scores_an_epoch_nothing_is_lost_or_doubled(
    folders: Path, where, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the scores are there, and after their row of history but before the checkpoint."""
    line = ("--steps", 8, "--no-tensorboard")
    assert train(folders, "whole", *line) == 0
    with monkeypatch.context() as patch:
        original = getattr(*where)

        def end(self, *arguments):
            original(self, *arguments)
            raise KeyboardInterrupt

        patch.setattr(*where, end)
        assert train(folders, "cut", *line) == 130
    saved = checkpoint.load(folders / "cut" / "last.pt")
    assert (saved.step, saved.scores) == (4, {})
    assert resume(folders / "cut") == 0
    assert_same_end(folders / "whole", folders / "cut")


def test_a_signal_at_the_end_of_an_epoch_does_not_wait_for_the_scores(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ("--steps", 8, "--no-tensorboard")
    assert train(folders, "whole", *line) == 0
    with monkeypatch.context() as patch:
        original = Training._row

        def row(self, *arguments):
            os.kill(os.getpid(), signal.SIGTERM)
            return original(self, *arguments)

        patch.setattr(Training, "_row", row)
        assert train(folders, "cut", *line) == 128 + signal.SIGTERM
    assert not (folders / "cut" / "history.csv").exists()
    assert resume(folders / "cut") == 0
    assert_same_end(folders / "whole", folders / "cut")


@pytest.mark.parametrize("steps", [4, 7])
def test_a_run_that_was_stopped_in_its_last_step_is_scored_when_it_is_resumed(
    folders: Path, steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Epochs have four steps: in the last step of an epoch, and in the middle of one."""
    line = ("--steps", steps, "--no-tensorboard")
    assert train(folders, "whole", *line) == 0
    with monkeypatch.context() as patch:
        stop_in(steps, patch)
        assert train(folders, "cut", *line) == 128 + signal.SIGTERM
    assert resume(folders / "cut") == 0
    assert_same_end(folders / "whole", folders / "cut")


def test_a_run_may_be_ended_where_it_was_stopped(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        stop_in(1, patch)
        assert train(folders, "run", "--steps", 8, "--no-tensorboard") == 128 + signal.SIGTERM
    assert resume(folders / "run", "--steps", "1") == 0
    (row,) = history(folders / "run")
    assert (row["epoch"], row["step"]) == ("1", "1")
    assert float(row["fwiou"]) > 0
    assert checkpoint.load(folders / "run" / "best.pt").step == 1
