"""The weights that a run starts from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.helpers.offline.training import arguments, resume, train
from tests.helpers.support import WEIGHTS
from train_offline.commands.train import main
from train_offline.training import checkpoint


def test_other_run_can_start_from_the_averaged_weights(labelled: Path, tmp_path: Path) -> None:
    assert main(arguments(labelled, tmp_path / "a", "--steps", 2)) == 0
    first = checkpoint.load(tmp_path / "a" / "last.pt")
    more = ("--steps", 1, "--init", tmp_path / "a" / "last.pt", "--lr", 1e-9)
    assert main(arguments(labelled, tmp_path / "b", *more)) == 0
    second = checkpoint.load(tmp_path / "b" / "last.pt")
    name = "segmentation_head.0.weight"
    torch.testing.assert_close(second.model[name], first.ema[name], rtol=0, atol=1e-6)


def test_a_run_can_start_from_the_shipped_weights(folders: Path) -> None:
    assert train(folders, "run", "--steps", 1, "--no-tensorboard", "--init", WEIGHTS, "--lr", 1e-9) == 0
    (shipped,) = (t for t in load_file(WEIGHTS).values() if t.ndim == 4 and len(t) == 2)  # the head's
    taken = checkpoint.load(folders / "run" / "last.pt").model["segmentation_head.0.weight"]
    torch.testing.assert_close(taken, shipped.float(), rtol=0, atol=1e-6)


def test_a_network_of_another_shape_is_refused(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(folders, "run", "--steps", 1, "--no-tensorboard", "--deep-supervision", 0) == 0
    assert resume(folders / "run", "--steps", "2", "--deep-supervision", "1") == 2
    assert "another network" in capsys.readouterr().err
    more = ("--steps", 1, "--init", folders / "run" / "last.pt", "--deep-supervision", 0.5)
    assert train(folders, "with heads", "--no-tensorboard", *more) == 0, "heads are new, the rest is taken"
