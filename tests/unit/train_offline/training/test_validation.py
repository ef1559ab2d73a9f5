"""Which checkpoint is the best one, and when a run has been patient enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.offline.training import history, resume, train
from train_offline.training import checkpoint
from train_offline.training.validation import Best


def test_best_keeps_the_first_of_equals() -> None:
    best = Best().after(0.5, 10).after(0.5, 20).after(0.4, 30)
    assert best == Best(0.5, 10, stale=2)
    assert best.after(0.6, 40) == Best(0.6, 40, stale=0)
    assert Best().after(float("nan"), 10).after(0.1, 20) == Best(0.1, 20)


def test_patience_ends_the_run_and_best_is_kept(folders: Path) -> None:
    """The rule, replayed on the scores of the history."""
    more = ("--epochs", 60, "--patience", 2, "--lr", 0.01, "--no-tensorboard")
    assert train(folders, "run", *more, "--val", folders / "data") == 0
    rows = history(folders / "run")
    assert 2 < len(rows) < 60
    best = Best()
    for number, row in enumerate(rows):
        mean = (float(row["held out/fwiou"]) + float(row["data/fwiou"])) / 2
        assert float(row["fwiou"]) == pytest.approx(mean, abs=2e-5)
        best = best.after(float(row["fwiou"]), int(row["step"]))
        assert (best.stale == 2) == (number == len(rows) - 1)
    assert checkpoint.load(folders / "run" / "best.pt").step == best.step
    assert checkpoint.load(folders / "run" / "last.pt").step == int(rows[-1]["step"])
    before = (folders / "run" / "history.csv").read_bytes()
    assert resume(folders / "run") == 0
    assert (folders / "run" / "history.csv").read_bytes() == before, "it had ended"
