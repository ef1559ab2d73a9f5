"""Where the seconds of one run went: phases that follow one another, seen from outside and by the job."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from train_offline.judging.measure.job_report import JobReport

START, RETRIES, EXIT = "start", "retries", "exit"
DOUBTFUL = 0.05  # share of the seconds by which phases may miss the whole
WORDS = {
    START: "from the launch until the job's first process exists: a container is made, or a process forked",
    "interpreter": "Python starts, reads its arguments, and loads NumPy and OpenCV",
    RETRIES: "a process crashed: it, and those that then tried single scenes; masks made before are kept",
    "plan": "the headers of all scenes are read, and scenes of one size put together",
    "weights": "the network's weights are read and checked",
    "imports": "PyTorch, ONNX Runtime or OpenVINO is loaded; the first scenes are decoded meanwhile",
    "device": "the network is put together on the processor or the GPU",
    "first mask": "from there until the first mask is finished on the disk",
    "steady state": "all other scenes are predicted",
    "drain": "the last masks are written, and every mask is looked at once more",
    EXIT: "from the job's last word until its process, and its container, are gone",
    "job": "all that the job did; it makes no report that could be taken apart",
}


@dataclass(frozen=True)
class Phase:
    """name: one of WORDS."""

    name: str
    seconds: float


def phases_of_job(launched: float, ended: float, report: JobReport) -> list[Phase] | None:
    """Return the phases of one process, in order: ended - launched in sum, as far as the clocks agree.

    None where the report does not hold what it takes, or does not fit the seconds seen from outside.

    Args:
        launched: when the process was started, seen from outside, on time.monotonic().
        ended: when it was gone.
        report: what the job wrote with --report.
    """
    seconds, began, wall = report.seconds, report.began, ended - launched
    if seconds is None or began is None:
        return None
    retries = min(seconds.retries or 0.0, seconds.start)
    setup = [("weights", seconds.weights), ("imports", seconds.imports), ("device", seconds.device)]
    ready = seconds.start + seconds.setup
    first = max(seconds.first_mask or ready, ready)
    predicted = max(seconds.predicted or first, first)
    rows = [
        (START, began - launched),
        ("interpreter", seconds.start - retries),
        *([(RETRIES, retries)] if retries else []),
        ("plan", seconds.setup - sum(value for _, value in setup)),
        *setup,
        ("first mask", first - ready),
        ("steady state", predicted - first),
        ("drain", seconds.total - predicted),
        (EXIT, ended - began - seconds.total),
    ]
    phases = [Phase(name, max(0.0, value)) for name, value in rows]
    return phases if abs(sum(phase.seconds for phase in phases) - wall) <= DOUBTFUL * wall + 0.05 else None


def phases_of_stranger(wall: float, inside: float | None) -> list[Phase]:
    """Return the phases of a job without a report. inside: seconds of its container, None if unknown."""
    if inside is None or not 0 <= inside <= wall:
        return [Phase("job", wall)]
    return [Phase(START, wall - inside), Phase("job", inside)]


def added_up(runs: Iterable[list[Phase]]) -> list[Phase]:
    """Return the phases of several processes as those of one: sums by name, in the order of WORDS."""
    totals: dict[str, float] = {}
    for phase in (phase for phases in runs for phase in phases):
        totals[phase.name] = totals.get(phase.name, 0.0) + phase.seconds
    return [Phase(name, totals[name]) for name in WORDS if name in totals]
