"""All rules on what is trained on and what is scored, as check, train and others apply them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from train_offline.data.rules.apart import apart_by_name, apart_by_pixels
from train_offline.data.rules.finding import DataFinding, Side
from train_offline.data.rules.learnable import learnable, of_scenes, scorable
from train_offline.data.rules.rows import of_rows
from train_offline.data.rules.whole_folder import lists_by_other_names

SHOWN = 3  # findings of one folder in what a training says


def before_reading(train: Sequence[Side], val: Sequence[Side]) -> list[DataFinding]:
    """Apply the rules that need no scene to be read: they cost nothing."""
    rows = [finding for side in train for finding in of_rows(side, scored=False)]
    rows += [finding for side in val for finding in of_rows(side, scored=True)]
    unread = [side.folder for side in (*train, *val) if side.list_name is None]
    rows += [finding for folder in dict.fromkeys(unread) for finding in lists_by_other_names(folder)]
    return rows + apart_by_name(train, val)


def after_reading(train: Sequence[Side], val: Sequence[Side]) -> list[DataFinding]:
    """Apply the rules on what is known of the scenes, those on single scenes last."""
    of_sides = learnable(train) + [finding for side in val for finding in scorable(side)]
    of_sides += apart_by_pixels(train, val)
    return of_sides + [finding for side in (*train, *val) for finding in of_scenes(side)]


def require_none_stops(findings: Sequence[DataFinding]) -> None:
    """Raise FileError for the first finding that stops, where there is one."""
    stopping = [finding for finding in findings if finding.stops]
    if stopping:
        raise stopping[0].error(len(stopping) - 1)


def notes_of(findings: Iterable[DataFinding]) -> list[str]:
    """Return the findings that do not stop as lines, a few for each folder and then their number."""
    by_folder: dict[Path, list[str]] = {}
    for finding in findings:
        if not finding.stops:
            by_folder.setdefault(finding.folder, []).append(str(finding))
    notes = []
    for folder, lines in by_folder.items():
        lines = list(dict.fromkeys(lines))
        notes += lines[:SHOWN]
        if len(lines) > SHOWN:
            notes.append(f"{folder}: {len(lines) - SHOWN} more to look at: ./run.sh check {folder}")
    return notes
