"""The numbers behind the report's drawings and rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from train_offline.judging.measure.job_report import JobReport
from train_offline.judging.measure.sampler import Samples
from train_offline.judging.report.cost import cost_of
from train_offline.judging.report.page.drawings import curves, ticks, waterfall
from train_offline.judging.report.page.page import _row
from train_offline.judging.run.process import Outcome
from train_offline.judging.run.runs import Execution, Run

MB, GB = 10**6, 10**9


def run_of(**samples: Any) -> Run:
    outcome = Outcome(0, False, 100.0, 102.0, 1.5, 300 * MB, 10, ())
    execution = Execution(outcome, Samples(at=[0.0, 1.0, 2.0], **samples), [], JobReport())
    return Run([execution], [], [], Path("masks"))


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


def test_a_container_s_memory_is_what_its_group_counts_with_its_limit() -> None:
    run = run_of(rss=[100 * MB] * 3, group=[2 * GB, 3 * GB, 3 * GB], peak_bytes=4 * GB)
    cost = cost_of(run, 8 * GB)
    assert (cost["peak_bytes"], cost["peak_is_of"], cost["limit_bytes"]) == (4 * GB, "control group", 8 * GB)
    assert cost["peak_rss_bytes"] == 100 * MB, "docker's own client is none of the job's processes"
    (curve,) = curves(cost)
    heights = [float(point.split(",")[1]) for point in curve["points"].split()]
    assert heights[0] > heights[1] == heights[2]
    assert 0 < curve["limit"] < curve["most_at"] < 100
    assert curve["limit"] + 50 == pytest.approx(curve["most_at"], abs=5), "the peak is half of the limit"


def test_a_plain_process_has_resident_memory_and_no_limit() -> None:
    cost = cost_of(run_of(rss=[100 * MB, 200 * MB, 150 * MB]), None)
    assert (cost["peak_bytes"], cost["peak_is_of"], cost["limit_bytes"]) == (300 * MB, "processes", None)
    (curve,) = curves(cost)
    assert (curve["limit"], curve["most"]) == (None, 300 * MB)


def test_a_container_whose_group_cannot_be_read_says_that_it_is_the_processes() -> None:
    cost = cost_of(run_of(rss=[100 * MB] * 3), 8 * GB)
    assert (cost["peak_bytes"], cost["peak_is_of"], cost["limit_bytes"]) == (100 * MB, "processes", 8 * GB)


def scene(confusion: list[list[int]] | None, **score: float | None) -> dict[str, Any]:
    return {
        "name": "a", "width": 10, "height": 10, "status": "ok", "error": None, "findings": [],
        "seconds": None,
        "ice_fraction": 0.25, "true_ice_fraction": 0.0, "confusion": confusion, "score": score or None,
    }  # fmt: skip


def test_a_scene_without_true_ice_has_its_false_pixels_in_place_of_scores() -> None:
    row = _row(scene([[75, 1025], [0, 0]], fwiou=0.75, ice_iou=0.0, boundary_f1=None), None)
    assert row["iceless"] == "no ice in truth, 1,025 px false"
    assert row["told"] == "no ice in truth, 1,025 px false, ice in the mask 25.0 %"
    assert [row["order"][key] for key in ("fwiou", "ice_iou", "boundary_f1")] == [0.75] * 3
    assert "noice" in row["is"].split()


def test_other_scenes_keep_their_scores() -> None:
    row = _row(scene([[75, 5], [10, 10]], fwiou=0.75, ice_iou=0.4, boundary_f1=None), None)
    assert row["iceless"] is None
    assert "FWIoU 0.7500, IoU of ice 0.4000" in row["told"]
    assert row["order"]["boundary_f1"] is None
    assert _row(scene(None), None)["iceless"] is None
