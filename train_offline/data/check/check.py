"""Look through a data folder: every scene with its masks, the lists, and the folder as a whole."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from train_offline.data.check.findings import inspect
from train_offline.data.check.folder_findings import (
    Lists,
    lone_files,
    look_alikes,
    read_lists,
    sharing,
    too_little,
    unlisted,
)
from train_offline.data.check.report import CheckReport, Row
from train_offline.data.check.thumbnail import thumbnail
from train_offline.data.folder import IGNORED, scene_files
from train_offline.data.split.groups import Facts
from train_offline.data.split.similar import signature
from train_offline.runtime.threads import in_threads


def check(folder: Path, pictures: bool = False) -> CheckReport:
    """Find everything that is wrong in a data folder; raises FileError when it has no scene.

    pictures: keep a thumbnail of every scene.
    """
    paths = scene_files(folder)
    lists = read_lists(folder)
    seen = in_threads(partial(_look_at, folder, lists, pictures), paths, "check")
    facts = [one for _, one in seen if one is not None]
    files = [row.file for row, one in seen if one is not None]
    findings = [finding for row, _ in seen for finding in row.findings]
    findings += lone_files(folder) + lists.findings + sharing(lists) + unlisted(folder, paths, lists)
    findings += too_little(facts, len(paths) - len(facts)) + look_alikes(facts, files, lists)
    return CheckReport(folder, [row for row, _ in seen], sorted(findings, key=lambda one: not one.stops))


def _look_at(folder: Path, lists: Lists, pictures: bool, path: Path) -> tuple[Row, Facts | None]:
    """Return its row of the report, and what the scene is compared by; None where it cannot be used."""
    scene = inspect(folder, path)
    ice = ignored = facts = None
    if scene.label is not None:
        height, width = scene.label.shape
        counted = scene.label.size - int((scene.label == IGNORED).sum())
        ice_pixels = int((scene.label == 1).sum())
        ice, ignored = ice_pixels / max(1, counted), 1 - counted / scene.label.size
        if scene.image is not None:
            facts = Facts(path.stem, (height, width), ice_pixels, counted, signature(scene.image))
    picture = thumbnail(scene.image, scene.label) if pictures and scene.image is not None else None
    on = [name for name, files in lists.files.items() if scene.file in files]
    row = Row(scene.file, scene.size, scene.bands, scene.dtype, ice, ignored, on, scene.findings, picture)
    return row, facts
