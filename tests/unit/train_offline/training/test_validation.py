"""Which checkpoint is the best one, by what, and when a run has been patient enough."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.helpers.offline.training import history, resume, train
from train_offline.data.folder import LabelledScene
from train_offline.data.sources import Source
from train_offline.runtime.devices import make_fabric
from train_offline.scoring.score import Score
from train_offline.training import checkpoint
from train_offline.training.validation import TRAINING_LOSS, Best, Validation, means_of

FIGURES = dict.fromkeys(("background_iou", "ice_f1", "background_f1", "boundary_f1"), 0.5)


def validation(**ice: bool) -> Validation:
    """Folders to score, by name, with ice or without."""
    label = np.zeros((4, 4), np.uint8)
    scenes = {True: LabelledScene("i", label, label + 1), False: LabelledScene("n", label, label)}
    fabric = make_fabric(device="cpu", precision="fp32", devices=1, seed=0)
    return Validation(fabric, [Source(name, 1.0, [scenes[one]]) for name, one in ice.items()])


def scored(source: str, ice_iou: float = math.nan, accuracy: float = 1.0, fwiou: float = 1.0) -> Score:
    return Score(source, fwiou=fwiou, ice_iou=ice_iou, accuracy=accuracy, **FIGURES)


def test_best_keeps_the_first_of_equals() -> None:
    best = Best("x").after(0.5, 10).after(0.5, 20).after(0.4, 30)
    assert best == Best("x", 0.5, 10, stale=2)
    assert best.after(0.6, 40) == Best("x", 0.6, 40, stale=0)
    assert Best("x").after(float("nan"), 10).after(0.1, 20) == Best("x", 0.1, 20)


def test_ice_decides_not_the_share_of_pixels_that_are_right() -> None:
    val = validation(a=True, b=True)
    assert val.by == "IoU of ice of a, b"
    worse = [scored("a", 0.5, fwiou=0.99), scored("b", 0.5, fwiou=0.99)]
    better = [scored("a", 0.4, fwiou=0.9), scored("b", 0.8, fwiou=0.9)]
    assert val.value(better, 9.0) == pytest.approx(0.6)
    assert val.value(better, 9.0) > val.value(worse, 0.1)
    assert means_of(better) == {"fwiou": pytest.approx(0.9), "ice_iou": pytest.approx(0.6)}


def test_false_ice_where_there_is_none_counts_against() -> None:
    val = validation(a=True, sea=False)
    assert val.by == "IoU of ice of a, less the false ice of sea"
    assert val.value([scored("a", 0.8), scored("sea", accuracy=0.9)], 1.0) == pytest.approx(0.7)


def test_without_any_ice_the_training_loss_decides() -> None:
    val = validation(sea=False, land=False)
    assert val.by == TRAINING_LOSS
    same = [scored("sea"), scored("land")]
    best = Best(val.by).after(val.value(same, 2.0), 1).after(val.value(same, 1.0), 2)
    assert best.step == 2
    assert best.after(val.value(same, 1.5), 3).stale == 1
    assert means_of(same) == {"fwiou": 1.0}
    assert "no scene to score holds ice" in val.notes[0]
    assert validation(a=True).notes == validation().notes == []


def test_what_was_chosen_by_something_else_is_not_compared_with() -> None:
    kept = vars(Best("IoU of ice of a", 0.9, 10, 3))
    assert Best.restored(kept, "IoU of ice of a") == Best("IoU of ice of a", 0.9, 10, 3)
    assert Best.restored(kept, "IoU of ice of b") == Best("IoU of ice of b")
    earlier_version = {"fwiou": 0.99, "step": 10, "stale": 3}
    assert Best.restored(earlier_version, "IoU of ice of a") == Best("IoU of ice of a")


def test_patience_ends_the_run_and_best_is_kept(folders: Path) -> None:
    """The rule, replayed on the scores of the history."""
    more = ("--epochs", 60, "--patience", 2, "--lr", 0.01, "--no-tensorboard")
    assert train(folders, "run", *more, "--val", folders / "data") == 0
    rows = history(folders / "run")
    assert 2 < len(rows) < 60
    best = Best()
    for number, row in enumerate(rows):
        for name in ("fwiou", "ice_iou"):
            mean = (float(row[f"held out/{name}"]) + float(row[f"data/{name}"])) / 2
            assert float(row[name]) == pytest.approx(mean, abs=2e-5)
        best = best.after(float(row["ice_iou"]), int(row["step"]))
        assert (best.stale == 2) == (number == len(rows) - 1)
    assert checkpoint.load(folders / "run" / "best.pt").step == best.step
    assert checkpoint.load(folders / "run" / "last.pt").step == int(rows[-1]["step"])
    before = (folders / "run" / "history.csv").read_bytes()
    assert resume(folders / "run") == 0
    assert (folders / "run" / "history.csv").read_bytes() == before, "it had ended"


def test_a_list_without_ice_does_not_keep_the_first_epoch(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (folders / "held out" / "gt").iterdir():
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert cv2.imwrite(str(path), np.zeros_like(mask))
    assert train(folders, "run", "--epochs", 4, "--lr", 0.01, "--no-tensorboard") == 0
    said = capsys.readouterr().out
    assert "no scene to score holds ice: best.pt follows the training loss" in said
    assert "held out: FWIoU" in said
    assert "no ice, false ice on" in said
    rows = history(folders / "run")
    losses = [float(row["loss"]) for row in rows]
    assert losses.index(min(losses)) > 0, "it learns"
    assert checkpoint.load(folders / "run" / "best.pt").step == int(rows[losses.index(min(losses))]["step"])
    assert {row["held out/ice_iou"] for row in rows} == {"nan"}
    assert "ice_iou" not in rows[0]


def test_a_checkpoint_of_an_earlier_version_goes_on(folders: Path) -> None:
    assert train(folders, "run", "--epochs", 1, "--no-tensorboard") == 0
    path = folders / "run" / "last.pt"
    saved = checkpoint.load(path)
    checkpoint.save(replace(saved, best={"fwiou": 0.999, "step": saved.step, "stale": 1}), path)
    assert resume(folders / "run", "--epochs", "2") == 0
    after = checkpoint.load(path)
    assert after.best["by"] == "IoU of ice of held out"
    assert after.best["step"] == after.step
    assert torch.load(folders / "run" / "best.pt", weights_only=True)["step"] == after.step
