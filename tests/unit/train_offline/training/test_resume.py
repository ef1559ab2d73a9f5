"""A run that goes on: with the same weights as an unbroken one, with the options it was begun with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.helpers.offline.training import resume, train
from train_offline.training import checkpoint


@pytest.mark.parametrize(
    ("change", "what_to_do"),
    [
        (["--batch", "4"], "has 2 crops in a step (--batch times devices), not 4"),
        (["--epoch-crops", "12"], "resume with --epoch-crops 8"),
    ],
)
def test_epochs_of_another_length_cannot_be_resumed_into(
    folders: Path, change, what_to_do, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(folders, "run", "--steps", 1, "--no-tensorboard") == 0
    before = (folders / "run" / "last.pt").read_bytes()
    assert resume(folders / "run", "--steps", 2, *change) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert what_to_do in line
    assert (folders / "run" / "last.pt").read_bytes() == before


def test_a_checkpoint_of_an_earlier_version_can_be_resumed(folders: Path) -> None:
    run = folders / "run"
    assert train(folders, "run", "--steps", 2, "--no-tensorboard") == 0
    content = torch.load(run / "last.pt", weights_only=True)
    for name in ("best", "epoch_loss", "cuda_rng", "facts", "crops_per_step", "steps_per_epoch", "due"):
        del content[name]
    for name in (
        "preset",
        "optimiser",
        "schedule",
        "sampling",
        "boundary",
        "cache",
        "tensorboard",
        "patience",
    ):
        del content["settings"][name]
    torch.save(content, run / "last.pt")
    assert resume(run, "--steps", "4") == 0
    saved = checkpoint.load(run / "last.pt")
    assert saved.step == 4
    assert saved.settings["optimiser"] == "adamw"
    assert saved.facts["data_sha256"]


def test_another_preset_cannot_be_resumed_into(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(folders, "run", "--steps", 1, "--no-tensorboard") == 0
    assert train(folders, "run", "--steps", 1, "--resume") == 0, "the same line with --resume goes on"
    assert resume(folders / "run", "--preset", "gaofen2021") == 2
    assert "leave it out" in capsys.readouterr().err


def test_weight_decay_may_be_given_anew(folders: Path) -> None:
    assert train(folders, "run", "--steps", 1, "--no-tensorboard") == 0
    assert resume(folders / "run", "--steps", "2", "--weight-decay", "0.3") == 0
    groups = checkpoint.load(folders / "run" / "last.pt").optimiser["param_groups"]
    assert [group["weight_decay"] for group in groups] == [0.3, 0.0]


@pytest.mark.parametrize(
    "what",
    [
        ("--optimiser", "adam"),
        ("--init", "weights/seaice.safetensors"),
        ("--encoder-weights", "imagenet-lite2"),
    ],
)
def test_what_a_run_was_begun_with_cannot_be_given_anew(
    folders: Path, what, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(folders, "run", "--steps", 1, "--no-tensorboard") == 0
    assert resume(folders / "run", "--steps", 2, *what) == 2
    assert f"was not begun with {' '.join(what)}; leave it out" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["epoch;step;loss\n1;4;0.5\n", "\xff\xfe"])
def test_a_history_that_was_spoiled_is_one_line(
    folders: Path, content, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(folders, "run", "--steps", 1, "--no-tensorboard") == 0
    (folders / "run" / "history.csv").write_bytes(content.encode("latin-1"))
    assert resume(folders / "run", "--steps", "2") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "history.csv" in line
