"""Where the seconds of a run went, seen from outside and by the job."""

from __future__ import annotations

from dataclasses import replace

import pytest

from train_offline.judging.measure.job_report import JobReport, JobSeconds
from train_offline.judging.measure.timeline import Phase, added_up, phases_of_job, phases_of_stranger


@pytest.fixture
def told(job_seconds: dict[str, float]) -> JobSeconds:
    return JobSeconds(**job_seconds)


def test_the_phases_follow_one_another_and_add_up(told: JobSeconds) -> None:
    phases = phases_of_job(100.0, 109.25, JobReport(100.5, told))
    expected = {
        "start": 0.5, "interpreter": 0.2, "plan": 0.1, "imports": 1.5, "weights": 0.25, "device": 0.15,
        "first mask": 0.55, "steady state": 5.25, "drain": 0.5, "exit": 0.25,
    }  # fmt: skip
    assert {phase.name: phase.seconds for phase in phases} == pytest.approx(expected)
    assert sum(phase.seconds for phase in phases) == pytest.approx(9.25)


def test_phases_that_did_not_happen_are_empty(told: JobSeconds) -> None:
    seconds = replace(told, first_mask=None, predicted=None)
    phases = phases_of_job(100.0, 109.25, JobReport(100.5, seconds))
    assert sum(phase.seconds for phase in phases) == pytest.approx(9.25)
    one_scene = replace(told, first_mask=8.25)  # written after the last prediction
    phases = phases_of_job(100.0, 109.25, JobReport(100.5, one_scene))
    assert sum(phase.seconds for phase in phases) == pytest.approx(9.25)
    assert min(phase.seconds for phase in phases) >= 0


def test_phases_that_do_not_fit_the_seconds_from_outside_are_not_believed(told: JobSeconds) -> None:
    assert phases_of_job(100.0, 109.25, JobReport(4000.0, told)) is None
    assert phases_of_job(100.0, 109.25, JobReport(100.5, replace(told, total=500.0))) is None
    assert phases_of_job(100.0, 109.25, JobReport(None, told)) is None
    assert phases_of_job(100.0, 109.25, JobReport(100.5, None)) is None


def test_what_was_tried_again_after_a_crash_has_a_phase_of_its_own(told: JobSeconds) -> None:
    seconds = replace(told, start=1.2, setup=1.0, imports=0.5, retries=0.75)
    phases = phases_of_job(100.0, 109.25, JobReport(100.5, seconds))
    assert [phase.name for phase in phases][:4] == ["start", "interpreter", "retries", "plan"]
    found = {phase.name: phase.seconds for phase in phases}
    assert (found["interpreter"], found["retries"]) == pytest.approx((0.45, 0.75))
    assert sum(found.values()) == pytest.approx(9.25)
    boast = replace(seconds, retries=500.0)
    assert sum(phase.seconds for phase in phases_of_job(100.0, 109.25, JobReport(100.5, boast))) < 9.3


def test_a_stranger_has_two_phases_at_most() -> None:
    assert phases_of_stranger(4.0, None) == [Phase("job", 4.0)]
    assert phases_of_stranger(4.0, 3.0) == [Phase("start", 1.0), Phase("job", 3.0)]
    assert phases_of_stranger(4.0, 5.0) == phases_of_stranger(4.0, -0.1) == [Phase("job", 4.0)]


def test_phases_of_several_processes_are_summed_by_name() -> None:
    runs = [[Phase("imports", 1.0), Phase("exit", 0.5)], [Phase("imports", 2.0), Phase("drain", 0.25)]]
    assert added_up(runs) == [Phase("imports", 3.0), Phase("drain", 0.25), Phase("exit", 0.5)]
