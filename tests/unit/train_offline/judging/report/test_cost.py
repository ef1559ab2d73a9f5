"""What a run took, and how it is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from train_offline.judging.measure.job_report import JobReport
from train_offline.judging.measure.sampler import ResourceSamples
from train_offline.judging.report.cost import cost_of
from train_offline.judging.report.page.drawings import curves
from train_offline.judging.run.process import ProcessOutcome
from train_offline.judging.run.runs import Execution, Run

MB, GB = 10**6, 10**9


def run_of(**samples: Any) -> Run:
    outcome = ProcessOutcome(0, False, 100.0, 102.0, 1.5, 300 * MB, 10, ())
    execution = Execution(outcome, ResourceSamples(at=[0.0, 1.0, 2.0], **samples), [], JobReport())
    return Run([execution], [], [], Path("masks"))


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
