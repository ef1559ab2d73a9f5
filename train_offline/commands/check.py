"""Look through a data folder before training: what is broken, missing, striped or doubled, and how to fix it.

python -m train_offline.commands.check DIR [--report DIR]

Exit code: 0 nothing that stops a training; 1 something that does; 2 wrong call, or no scene to look at.
"""

from __future__ import annotations

if __name__ == "__main__":  # before the imports, which take seconds
    from train_offline.runtime.signals import leave_at_once

    leave_at_once("check")

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infer.errors import UsageError
from train_offline.data.check.findings import Finding, inspect
from train_offline.data.check.folder_findings import (
    Lists,
    lone_files,
    look_alikes,
    read_lists,
    sharing,
    too_little,
)
from train_offline.data.check.report import Report, Row, table, write_report
from train_offline.data.check.thumbnail import thumbnail
from train_offline.data.folder import IGNORED, SCENE_SUFFIXES, files_of
from train_offline.data.split.groups import Facts
from train_offline.data.split.similar import signature
from train_offline.runtime.program import Parser, run
from train_offline.runtime.threads import in_threads


@dataclass(frozen=True)
class Settings:
    """report: where check.html and check.csv go, None for no files."""

    folder: Path
    report: Path | None


def check(folder: Path, pictures: bool = False) -> Report:
    """Everything found in a data folder; UsageError when it has no image/ or no scene in it.

    pictures: keep a thumbnail of every scene.
    """
    paths = [path for path in files_of(folder, "image") if path.suffix.lower() in SCENE_SUFFIXES]
    if not paths:
        raise UsageError(f"{folder / 'image'}: no .tif or .tiff file in it")
    lists = read_lists(folder)
    seen = in_threads(partial(_look_at, folder, lists, pictures), paths, "check")
    facts = [one for _, one in seen if one is not None]
    files = [row.file for row, one in seen if one is not None]
    findings = [finding for row, _ in seen for finding in row.findings]
    findings += lone_files(folder) + lists.findings + sharing(lists) + _unlisted(paths, folder, lists)
    findings += too_little(facts, len(paths) - len(facts)) + look_alikes(facts, files, lists)
    return Report(folder, [row for row, _ in seen], sorted(findings, key=lambda one: not one.stops))


def _look_at(folder: Path, lists: Lists, pictures: bool, path: Path) -> tuple[Row, Facts | None]:
    """Its row of the report, and what the scene is compared by; None where it cannot be used."""
    scene = inspect(folder, path)
    ice = ignored = facts = None
    if scene.label is not None:
        counted = scene.label.size - int((scene.label == IGNORED).sum())
        ice_pixels = int((scene.label == 1).sum())
        ice, ignored = ice_pixels / max(1, counted), 1 - counted / scene.label.size
        if scene.image is not None:
            facts = Facts(path.stem, scene.label.shape, ice_pixels, counted, signature(scene.image))
    picture = thumbnail(scene.image, scene.label) if pictures and scene.image is not None else None
    on = [name for name, files in lists.files.items() if scene.file in files]
    row = Row(scene.file, scene.size, scene.bands, scene.dtype, ice, ignored, on, scene.findings, picture)
    return row, facts


def _unlisted(paths: Sequence[Path], folder: Path, lists: Lists) -> list[Finding]:
    """Scenes on neither list, where there are both."""
    listed = {file for files in lists.files.values() for file in files}
    missing = [path.name for path in paths if path.relative_to(folder).as_posix() not in listed]
    if len(lists.files) < 2 or not missing:
        return []
    what = f"{len(missing)} of {len(paths)} scenes are on neither list, {missing[0]} for one"
    return [Finding("train.csv", what, "make both lists anew with ./run.sh split, if they are to be used")]


def parse(argv: list[str] | None) -> Settings:
    """Settings from the command line; raises UsageError for a wrong call."""
    parser = Parser(prog="check", description="Look through a data folder before training on it.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="data folder with image/ and gt/")
    parser.add_argument("--report", type=Path, metavar="DIR",
        help="write check.csv and check.html, a contact sheet: scenes with the ice outlined")  # fmt: skip
    return Settings(**vars(parser.parse_args(argv)))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""

    def work() -> int:
        settings = parse(argv)
        report = check(settings.folder, pictures=settings.report is not None)
        print(table(report))
        if settings.report is not None:
            for path in write_report(report, settings.report):
                print(path)
        return 1 if report.stops else 0

    return run("check", work)


if __name__ == "__main__":
    sys.exit(main())
