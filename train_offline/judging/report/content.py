"""The report of a dry run as plain values: what report.json holds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from train_offline.judging.finding import Finding
from train_offline.judging.masks.judged import Judged
from train_offline.judging.report.checks import Seen, results
from train_offline.judging.report.cost import cost_of
from train_offline.judging.report.packages import Software
from train_offline.judging.run.container import Image
from train_offline.judging.run.runs import Run
from train_offline.judging.run.variants import Variant
from train_offline.judging.settings import DryRunSettings, bytes_of
from train_offline.scoring.score import score

FORMAT = 3  # of report.json; report.schema.json describes it
SETTINGS = ("per_scene", "repeat", "time_limit", "cold", "memory", "hard")
PER_SCENE = ("fwiou", "ice_iou", "background_iou", "ice_f1", "accuracy", "boundary_f1")


@dataclass(frozen=True)
class Result:
    """One dry run. when: UTC, ISO 8601. data: where the scenes came from. image: None for a plain process.

    runs: one for each repetition; their masks were all audited, those of the last one scored. findings: all
    of them, those of single scenes and of variants too. notes: what the reader should know and nobody has to
    mend. software: what the submission runs with, None where that is not known. owner_known: whose the masks
    must be can be told. variants: further runs, which are in no other figure.
    """

    when: str
    data: str
    settings: DryRunSettings
    image: Image | None
    environment: dict[str, Any]
    runs: list[Run]
    scenes: list[Judged]
    findings: list[Finding]
    notes: list[str]
    software: Software | None = None
    owner_known: bool = True
    variants: list[Variant] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing at all was found."""
        return not self.findings


def content_of(result: Result) -> dict[str, Any]:
    """Return all as JSON can hold it, figures that do not exist as None; the comparison is added later."""
    median = _median_run(result.runs)
    statuses, job = _job_facts(result.runs[-1])
    pixels = sum(height * width for height, width in (scene.size for scene in result.scenes))
    wall = statistics.median(run.wall for run in result.runs)
    with_ignored = [s.counts if s.with_ignored is None else s.with_ignored for s in result.scenes]
    left_out = any(s.with_ignored is not None for s in result.scenes)
    totals = _total(s.counts for s in result.scenes)
    return {
        "format": FORMAT,
        "when": result.when,
        "passed": result.passed,
        "verdict": _verdict(result),
        "data": {
            "folder": result.data,
            "scenes": len(result.scenes),
            "with_truth": sum(scene.has_truth for scene in result.scenes),
            "scored": sum(scene.counts is not None for scene in result.scenes),
            "megapixels": pixels / 1e6,
            "ignored_pixels": sum(scene.ignored_pixels for scene in result.scenes),
        },
        "submission": _submission(result, job),
        "settings": {key: getattr(result.settings, key) for key in SETTINGS},
        "environment": result.environment,
        "checks": results({finding.kind for finding in _all_findings(result)}, _seen(result)),
        "findings": [asdict(finding) for finding in result.findings],
        "notes": result.notes,
        "redone": _redone(result.runs),
        "score": _figures(totals),
        "score_with_ignored": _figures(_total(with_ignored)) if left_out else None,
        "confusion": None if totals is None else totals[0].tolist(),
        "seconds": {
            "wall": _spread([run.wall for run in result.runs]),
            "parts": [asdict(phase) for phase in median.phases],
            "not_accounted_for": median.wall - sum(phase.seconds for phase in median.phases),
        },
        "cost": cost_of(median, bytes_of(result.settings.memory) if result.image else None),
        "rate": {
            "scenes_per_second": len(result.scenes) / wall,
            "megapixels_per_second": pixels / 1e6 / wall,
        },
        "variants": [{**asdict(one), "passed": not one.findings} for one in result.variants],
        "last_lines": _last_lines(result.runs),
        "scenes": [_scene(scene, i, result, statuses) for i, scene in enumerate(result.scenes)],
        "comparison": None,
    }


def _all_findings(result: Result) -> list[Finding]:
    """Return those of scenes too, where a mask that is misnamed is also one that is missing."""
    return [*result.findings, *(finding for scene in result.scenes for finding in scene.findings)]


def _seen(result: Result) -> Seen:
    """Say what there was to check. Of several runs, the masks of the last one stand for all."""
    there = [scene for scene in result.scenes if all(f.kind != "missing" for f in scene.findings)]
    return Seen(
        scenes=len(result.scenes),
        masks=len(there),
        read=sum(scene.mask_sha256 is not None for scene in result.scenes),
        truths=sum(scene.has_truth for scene in result.scenes),
        time_limit=result.settings.time_limit,
        timed_out=any(one.outcome.timed_out for run in result.runs for one in run.executions),
        in_container=result.image is not None,
        owner_known=result.owner_known,
        variants=[one.name for one in result.variants],
    )


def _redone(runs: list[Run]) -> list[dict[str, Any]]:
    """Return what the job says did not go at once, in any run, each only once."""
    said = (redone for run in runs for one in run.executions for redone in one.job.redone)
    return [{**asdict(redone), "scenes": list(redone.scenes)} for redone in dict.fromkeys(said)]


def _last_lines(runs: list[Run]) -> list[str]:
    """Return what the first process that failed said at its end; the very last one where none did."""
    outcomes = [one.outcome for run in runs for one in run.executions]
    failed = (one for one in outcomes if one.timed_out or one.exit_code != 0)
    return list(next(failed, outcomes[-1]).last_lines)


def _median_run(runs: list[Run]) -> Run:
    """Return the run of median seconds, the faster of two in the middle."""
    return sorted(runs, key=lambda run: run.wall)[(len(runs) - 1) // 2]


def _job_facts(run: Run) -> tuple[dict[str, tuple[str | None, str | None]], dict[str, str]]:
    """Return what the job itself said: status and error of each scene by its file, texts about the whole."""
    statuses: dict[str, tuple[str | None, str | None]] = {}
    for execution in run.executions:
        statuses |= execution.job.scenes
    return statuses, run.executions[-1].job.texts


def _submission(result: Result, said: dict[str, str]) -> dict[str, Any]:
    image = result.image
    return {
        "mode": "process" if image is None else "container",
        "image": image and image.name,
        "image_id": image and image.id,
        "image_bytes": image and image.size_bytes,
        "version": said.get("version"),
        "device": said.get("device"),
        "precision": said.get("precision"),
        "weights_sha256": said.get("weights_sha256"),
        "python": result.software and result.software.python,
        "packages": result.software and result.software.packages,
    }


def _scene(
    scene: Judged, number: int, result: Result, statuses: dict[str, tuple[str | None, str | None]]
) -> dict[str, Any]:
    figures = None if scene.counts is None else _figures(scene.counts)
    status, error = statuses.get(scene.file, (None, None))
    executions = result.runs[-1].executions
    return {
        "name": scene.name,
        "file": scene.file,
        "height": scene.size[0],
        "width": scene.size[1],
        "status": status,
        "error": error,
        "seconds": executions[number].outcome.wall if result.settings.per_scene else None,
        "ice_fraction": scene.ice_fraction,
        "true_ice_fraction": scene.true_ice_fraction,
        "mask_sha256": scene.mask_sha256,
        "score": figures and {name: figures[name] for name in PER_SCENE},
        "confusion": None if scene.counts is None else scene.counts[0].tolist(),
        "findings": [asdict(finding) for finding in scene.findings],
    }


def _total(counts: Iterable[np.ndarray | None]) -> np.ndarray | None:
    known = [one for one in counts if one is not None]
    return np.sum(known, axis=0) if known else None


def _figures(counts: np.ndarray | None) -> dict[str, float | None] | None:
    """Return every score by its name, None where there is none: JSON has no NaN."""
    if counts is None:
        return None
    figures = score("", *counts).figures()
    return {name: None if math.isnan(value) else value for name, value in figures.items()}


def _spread(values: list[float]) -> dict[str, Any]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "runs": values}


def _verdict(result: Result) -> str:
    if result.passed:
        black = sum(status == "degraded" for status, _ in _job_facts(result.runs[-1])[0].values())
        return "passed" + (f", with {black} degraded scene(s)" if black else "")
    kinds = dict.fromkeys(finding.kind for finding in result.findings)
    count = len(result.findings)
    return f"FAILED: {count} finding{'s' * (count > 1)} ({', '.join(kinds)})"
