"""The learning rate over a run, whatever ends it."""

from __future__ import annotations

import numpy as np
import pytest

from train_offline.training.optimisation.schedule import End, learning_rate


def test_learning_rate_rises_then_falls_whatever_ends_the_run() -> None:
    rates = [learning_rate(share, 2.0, 0.1) for share in np.linspace(0, 1.01, 500)]
    peak = int(np.argmax(rates))
    assert max(rates) == pytest.approx(2.0, rel=0.01)
    assert peak == pytest.approx(50, abs=2)
    assert rates == sorted(rates[: peak + 1]) + sorted(rates[peak + 1 :], reverse=True)
    assert rates[-1] == pytest.approx(0.02)
    assert learning_rate(0.0, 2.0, 0.0) == 2.0
    assert End(100, None).share_passed(25, 1e9) == 0.25
    assert End(None, 60).share_passed(10**9, 30) == 0.5
    assert End(100, 60).share_passed(10, 45) == 0.75
