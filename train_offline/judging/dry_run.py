"""The whole dry run: a submission run from outside, its masks audited, scored and timed, and a report."""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from infer.errors import FileError, UsageError
from infer.network.weights_file import read_slim
from train_offline.judging.cases import Case, cases_of
from train_offline.judging.finding import Finding
from train_offline.judging.masks.audit import audit_names
from train_offline.judging.masks.doubts import doubts_of
from train_offline.judging.masks.judged import Judged, judge_scenes
from train_offline.judging.masks.leftovers import copy_files, differing
from train_offline.judging.masks.pictures import side_for
from train_offline.judging.report.content import Result
from train_offline.judging.report.environment import environment
from train_offline.judging.report.output import report
from train_offline.judging.report.packages import software_of
from train_offline.judging.run.container import Image, build, find_image, require_engine
from train_offline.judging.run.page_cache import drop_page_cache
from train_offline.judging.run.runs import Contained, Process, Run, Submission, run_once
from train_offline.judging.run.variants import Variant, play
from train_offline.judging.settings import DryRunSettings
from train_offline.runtime.code_version import REPOSITORY
from train_offline.runtime.files import writable_folder

WRONG_CALL = 2
EMBEDDED = REPOSITORY / "data" / "embedded"


def dry_run(settings: DryRunSettings, submission: Submission | None = None) -> int:
    """Judge a submission, print the table and write the reports; returns the exit code.

    The code is 0 where it passed, 1 where the job failed or a mask is not as it must be, 2 where the job
    refused its arguments.

    Args:
        settings: what to do.
        submission: what to judge; None for what the settings say.

    Raises UsageError for scenes, an image or a folder that cannot be used.
    """
    report_dir = writable_folder(settings.report_dir, "report_dir")
    keep = _empty_folder(settings.keep) if settings.keep else None
    _require_usable(settings)
    data = settings.data or _embedded_split()
    cases = cases_of(data)
    image = _image(settings, report_dir)
    judged: Submission = submission or (Contained(image, settings) if image else Process(settings))
    with tempfile.TemporaryDirectory(prefix="sea-ice-dry-run-", ignore_cleanup_errors=True) as scratch:
        Path(scratch).chmod(0o755)  # a container's user must reach what is mounted from it
        runs, notes = _run_all(judged, cases, Path(scratch), settings)
        masks = runs[-1].masks
        ours = submission is None and image is None
        if ours and _is_wrong_call(runs[-1]):  # the job has said what is wrong
            return WRONG_CALL
        for run in runs[:-1]:  # whatever one of them gets wrong, the judge's only run may get wrong
            run.findings.extend(_of_files(judge_scenes(cases, run.masks, judged.owner)))
        variants, unplayed = play(image, cases, settings, runs, Path(scratch)) if image else ([], [])
        scenes = judge_scenes(cases, masks, judged.owner, side_for(len(cases)))
        result = Result(
            when=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            data=_told(settings.data or EMBEDDED),
            settings=settings,
            image=image,
            environment=environment(settings.in_container),
            runs=runs,
            scenes=scenes,
            findings=[*_findings(runs, cases, scenes), *_of_variants(variants)],
            notes=[*notes, *_notes(scenes, runs), *doubts_of(data, scenes), *unplayed],
            variants=variants,
            software=software_of(image),
            owner_known=judged.owner is not None,
        )
        if keep:
            copy_files(masks, keep)
    return report(result, report_dir)


def _run_all(
    submission: Submission, cases: list[Case], scratch: Path, settings: DryRunSettings
) -> tuple[list[Run], list[str]]:
    """Return every repetition, and what there is to note of them."""
    refusals: list[str] = []

    def cold() -> None:
        if settings.cold and not refusals and (refusal := drop_page_cache()):
            refusals.append(refusal)

    runs = []
    for number in range(settings.repeat):
        if settings.repeat > 1:
            print(f"dry-run: run {number + 1} of {settings.repeat}", file=sys.stderr)
        runs.append(run_once(submission, cases, scratch / f"run-{number}", settings, cold))
    return runs, refusals


def _is_wrong_call(run: Run) -> bool:
    return all(one.outcome.exit_code == WRONG_CALL for one in run.executions)


def _findings(runs: list[Run], cases: list[Case], judged: list[Judged]) -> list[Finding]:
    """Return those of all runs and all scenes, each only once: first what concerns the whole."""
    names = {case.name for case in cases}
    found = [finding for run in runs for finding in (*run.findings, *audit_names(names, run.masks))]
    return list(dict.fromkeys([*found, *_of_files(judged)]))


def _of_files(judged: list[Judged]) -> list[Finding]:
    """Return those of single scenes, but for missing masks: audit_names knows which of these are misnamed."""
    return [finding for scene in judged for finding in scene.findings if finding.kind != "missing"]


def _of_variants(variants: list[Variant]) -> list[Finding]:
    return [finding for variant in variants for finding in variant.findings]


def _notes(judged: list[Judged], runs: list[Run]) -> list[str]:
    """Say which scenes have no truth, and whether the runs differ."""
    notes = []
    without = [scene.file for scene in judged if not scene.has_truth]
    if without:
        which = f"{len(without)} of {len(judged)} scenes have not"
        if len(without) == len(judged):
            which = "no scene has"
        names = without[0] + " ..." * (len(without) > 1)
        notes.append(f"{which} a true mask in gt/ ({names}): audit and time only")
    if changed := differing([run.masks for run in runs]):
        notes.append(f"the masks of the runs differ, {changed[0]} for one: the job is not repeatable")
    return notes


def _require_usable(settings: DryRunSettings) -> None:
    """Raise UsageError for weights or an image that cannot be used, before any scene is drawn for them."""
    if settings.weights:
        read_slim(settings.weights)
    if settings.in_container:
        require_engine()
    if settings.image is not None:
        find_image(settings.image)


def _image(settings: DryRunSettings, report_dir: Path) -> Image | None:
    """Return the image to run, built if it is this checkout's; None for a plain process."""
    if not settings.in_container:
        return None
    if settings.image is not None:
        return find_image(settings.image)
    print("dry-run: building the image", file=sys.stderr)
    return find_image(build(report_dir / "build.log"))


def _embedded_split() -> Path:
    from train_offline.scenery.embedded import embedded_split  # only loaded where no data are given

    if not EMBEDDED.exists():
        print(f"dry-run: drawing the embedded validation split in {EMBEDDED}, once", file=sys.stderr)
    try:
        return embedded_split(EMBEDDED)
    except (OSError, FileError) as error:
        reason = f"cannot draw the embedded split: {error}"
        raise UsageError(reason, "; give scenes with {data}") from error


def _told(folder: Path) -> str:
    """Name a folder as reports do: from the root of this checkout where it lies in there, else in full."""
    folder = folder.resolve()
    return str(folder.relative_to(REPOSITORY) if folder.is_relative_to(REPOSITORY) else folder)


def _empty_folder(folder: Path) -> Path:
    if any(writable_folder(folder, "keep").iterdir()):
        raise FileError(folder, "is not empty", "; name a new folder", setting="keep")
    return folder
