"""The mean of checkpoints: floats are averaged, counters are not, other networks are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from train_offline.checkpoint import Checkpoint
from train_offline.soup import main, mean_of


def saved(value: float, count: int) -> Checkpoint:
    ema = {"weight": torch.full((3, 2), value), "count": torch.tensor(count)}
    return Checkpoint({}, {}, ema, 1, {}, torch.zeros(1), count, 1.0, {"x/fwiou": value})


def test_the_mean_is_that_of_the_floats() -> None:
    mean = mean_of([saved(1.0, 10), saved(2.0, 20), saved(6.0, 30)])
    assert torch.equal(mean.ema["weight"], torch.full((3, 2), 3.0))
    assert (int(mean.ema["count"]), mean.step, mean.scores) == (30, 30, {})


def test_other_networks_are_refused() -> None:
    other = replace(saved(1.0, 1), ema={"weight": torch.zeros(2, 2), "count": torch.tensor(1)})
    with pytest.raises(ValueError, match="different networks"):
        mean_of([saved(1.0, 1), other])


def test_one_checkpoint_or_none_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["out.pt", "a.pt"]) == 2
    assert main(["out.pt", "a.pt", "b.pt"]) == 2
    assert "at least two" in capsys.readouterr().err
