"""What a dry run found, as a table to read and as JSON to keep."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from train_offline.score import score

FILE_NAME = "report.json"


@dataclass(frozen=True)
class Result:
    """One dry run.

    data: where the scenes came from; scenes: how many there were. exit_code: of the job. wall: seconds of its
    whole process, seen from outside. complaints: of the audit. counts: int64 [2, 2, 2] (see score.counts),
    summed over the scenes with a mask that can be scored, pixels marked in ignore/ left out;
    counts_with_ignored: the same with these pixels, None where there are none. job: the job's own report, or
    {} when it left none.
    """

    data: str
    scenes: int
    exit_code: int
    wall: float
    complaints: list[str]
    counts: np.ndarray
    counts_with_ignored: np.ndarray | None
    job: dict[str, Any]

    @property
    def passed(self) -> bool:
        """The job succeeded and the judge would find every mask in order."""
        return self.exit_code == 0 and not self.complaints

    @property
    def seconds(self) -> dict[str, float]:
        """Start-up, read, predict, write and total by the job's own clock; wall as seen from outside."""
        inside = self.job.get("seconds", {})
        shown = {key: float(inside[key]) for key in ("read", "predict", "write", "total") if key in inside}
        if "start" in inside:
            shown = {"start-up": float(inside["start"]) + float(inside.get("setup", 0.0)), **shown}
        return {**shown, "wall": self.wall}


def summary(result: Result) -> dict[str, Any]:
    """Everything in a form that JSON can hold; a score that does not exist is None."""
    facts = asdict(result)
    counts, with_ignored = facts.pop("counts"), facts.pop("counts_with_ignored")
    return {
        **facts,
        "passed": result.passed,
        "confusion": counts[0].tolist(),
        **_figures(counts),
        "with_ignored_pixels": None if with_ignored is None else _figures(with_ignored),
        "seconds": result.seconds,
        "scenes_per_second": result.scenes / result.wall,
    }


def table(result: Result) -> str:
    """The short table for the terminal, without a newline at its end."""
    facts = summary(result)
    machine = ", ".join(str(result.job[key]) for key in ("device", "precision") if key in result.job)
    lines = [
        ("scenes", f"{result.scenes} of {result.data}" + (f" on {machine}" if machine else "")),
        *_score_lines(facts),
        ("seconds", "  ".join(f"{name} {value:.2f}" for name, value in result.seconds.items())),
        ("scenes/s", f"{facts['scenes_per_second']:.2f}"),
        ("verdict", _verdict(result)),
    ]
    return "\n".join(f"{name:<12} {value}" for name, value in lines)


def write_report(result: Result, folder: Path) -> Path:
    """Write report.json into an existing folder and return its path."""
    path = folder / FILE_NAME
    path.write_text(json.dumps(summary(result), indent=2) + "\n", encoding="utf-8")
    return path


def _figures(counts: np.ndarray) -> dict[str, float | None]:
    """Every score by its name, None where there is none: JSON has no nan."""
    figures = score("", *counts).figures()
    return {name: None if math.isnan(value) else value for name, value in figures.items()}


def _score_lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    def both(name: str) -> str:
        return f"ice {_score(facts[f'ice_{name}'])}  background {_score(facts[f'background_{name}'])}"

    lines = [
        ("FWIoU", _score(facts["fwiou"])),
        ("IoU", both("iou")),
        ("F1", both("f1")),
        ("accuracy", _score(facts["accuracy"])),
        ("boundary F1", _score(facts["boundary_f1"])),
    ]
    if others := facts["with_ignored_pixels"]:
        words = f"FWIoU {_score(others['fwiou'])}  IoU of ice {_score(others['ice_iou'])}"
        lines.append(("with ignored", words))
    return lines


def _score(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _verdict(result: Result) -> str:
    if result.exit_code:
        return f"FAILED: the job ended with exit code {result.exit_code}"
    if result.complaints:
        return f"FAILED: {len(result.complaints)} complaint(s) about the masks"
    degraded = [scene for scene in result.job.get("scenes", []) if scene.get("status") == "degraded"]
    return "passed" + (f", with {len(degraded)} degraded scene(s)" if degraded else "")
