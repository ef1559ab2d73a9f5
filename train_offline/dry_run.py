"""Play the judge: run the job from the outside on labelled scenes, audit its masks, score and time it.

Exit code: 0 passed; 1 the job failed or a mask is not as it must be; 2 wrong call; 130 Ctrl-C.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from infer.settings import UsageError
from train_offline import command
from train_offline.audit import audit_masks, scene_size
from train_offline.dry_report import Result, table, write_report
from train_offline.folder import Pair, listed_pairs
from train_offline.judge import (
    REPOSITORY,
    require_truths_that_fit,
    run_job,
    stage_scenes,
    total_counts,
)

WRONG_CALL = 2
COMPLAINTS_SHOWN = 10
EMBEDDED = REPOSITORY / "data" / "embedded"


@dataclass(frozen=True)
class Settings:
    """data: None for the embedded validation split. keep: where the masks are to stay, None to drop them."""

    data: Path | None
    weights: Path | None
    device: str
    report_dir: Path
    keep: Path | None


def parse(argv: list[str] | None) -> Settings:
    """Settings from the command line; raises UsageError for a wrong call."""
    parser = command.Parser(prog="dry-run", description="Play the judge on labelled scenes.")
    parser.add_argument("--data", type=Path, metavar="DIR",
        help="data folder (image/, gt/, val.csv); or the embedded split, made on first use")  # fmt: skip
    parser.add_argument("--weights", type=Path, metavar="FILE", help="other weights than the image's own")
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto")
    parser.add_argument("--report-dir", type=Path, default=Path("runs/dry-run"), metavar="DIR",
        help="where report.json goes (%(default)s, in the current folder)")  # fmt: skip
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the masks in this new or empty folder")
    return Settings(**vars(parser.parse_args(argv)))


def dry_run(settings: Settings) -> int:
    """The whole play; prints the table and returns the exit code."""
    report_dir = _writable_folder(settings.report_dir, "--report-dir")
    if settings.weights and not settings.weights.is_file():
        raise UsageError(f"--weights {settings.weights}: no such file")
    data = settings.data or _embedded_split()
    pairs = listed_pairs(data, "val.csv")
    sizes = {pair.name: scene_size(pair) for pair in pairs}
    require_truths_that_fit(pairs, sizes)
    with tempfile.TemporaryDirectory(prefix="sea-ice-dry-run-") as scratch:
        scenes = stage_scenes(pairs, Path(scratch) / "input")
        masks = _mask_folder(settings.keep, Path(scratch) / "output")
        report = Path(scratch) / "report.json"
        exit_code, wall = run_job(_job_arguments(settings, scenes, masks, report))
        if exit_code == WRONG_CALL:  # the job has said what is wrong
            return WRONG_CALL
        result = Result(
            data=str(data),
            scenes=len(pairs),
            exit_code=exit_code,
            wall=wall,
            complaints=audit_masks(sizes, masks),
            counts=total_counts(pairs, masks),
            counts_with_ignored=_counts_with_ignored(pairs, masks),
            job=_read_json(report),
        )
    _complain(result.complaints)
    print(table(result))
    print(f"{'report':<12} {write_report(result, report_dir)}")
    return 0 if result.passed else 1


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command.run("dry-run", lambda: dry_run(parse(argv)))


def _job_arguments(settings: Settings, scenes: Path, masks: Path, report: Path) -> list[str | Path]:
    arguments = ["--input", scenes, "--output", masks, "--report", report, "--device", settings.device]
    return [*arguments, "--weights", settings.weights] if settings.weights else arguments


def _counts_with_ignored(pairs: list[Pair], masks: Path) -> np.ndarray | None:
    """None where no scene has pixels to leave out: the counts without them are all that there is."""
    return total_counts(pairs, masks, leave_out=False) if any(pair.ignore for pair in pairs) else None


def _embedded_split() -> Path:
    from train_offline.synthesize import embedded_split  # only needed, and only loaded, without --data

    if not EMBEDDED.exists():
        print(f"dry-run: drawing the embedded validation split in {EMBEDDED}, once", file=sys.stderr)
    try:
        return embedded_split(EMBEDDED)
    except OSError as error:
        raise UsageError(f"cannot draw the embedded split: {error}; give scenes with --data") from error


def _complain(complaints: list[str]) -> None:
    for complaint in complaints[:COMPLAINTS_SHOWN]:
        print(f"dry-run: {complaint}", file=sys.stderr)
    if len(complaints) > COMPLAINTS_SHOWN:
        print(f"dry-run: and {len(complaints) - COMPLAINTS_SHOWN} more, all in the report", file=sys.stderr)


def _writable_folder(folder: Path, flag: str) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise UsageError(f"{flag} {folder}: cannot be written to ({error.strerror})") from error


def _mask_folder(keep: Path | None, default: Path) -> Path:
    folder = _writable_folder(keep or default, "--keep")
    if any(folder.iterdir()):
        raise UsageError(f"--keep {folder}: is not empty; name a new folder")
    return folder


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # the job died before its report; its exit code tells


if __name__ == "__main__":
    sys.exit(main())
