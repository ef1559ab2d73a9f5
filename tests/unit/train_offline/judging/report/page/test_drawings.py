"""The numbers behind the drawings of the page."""

from __future__ import annotations

import pytest

from train_offline.judging.report.page.drawings import ticks, waterfall


def test_bars_follow_one_another_and_the_sum_is_told_beside_the_seconds_from_outside() -> None:
    parts = [{"name": "start", "seconds": 1.0}, {"name": "job", "seconds": 3.0}]
    fall = waterfall({"parts": parts, "not_accounted_for": 0.5})
    assert [(bar["left"], bar["share"]) for bar in fall["bars"]] == [(0.0, 25.0), (25.0, 75.0)]
    assert (fall["total"], fall["wall"]) == (4.0, 4.5)
    assert all(bar["words"] for bar in fall["bars"])


@pytest.mark.parametrize("whole", [0.004, 0.5, 1.0, 5.87, 42.3, 1234.5])
def test_an_axis_has_a_few_round_figures(whole: float) -> None:
    made = ticks(whole)
    values = [float(tick["label"]) for tick in made]
    assert 3 <= len(made) <= 9
    assert values[0] == 0
    assert values[-1] <= whole < values[-1] + values[1]
    assert [tick["left"] for tick in made] == pytest.approx([100 * value / whole for value in values])
    assert f"{values[1]:e}"[0] in "125"
