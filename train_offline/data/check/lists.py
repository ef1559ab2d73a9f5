"""The lists of a data folder as they are found, the faulty ones too."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infer.errors import FileError
from train_offline.data.folder import LIST, Pair, list_in, list_name, missing_of, pair_of, within
from train_offline.data.list_file import rows_of
from train_offline.data.rules.finding import DataFinding, Side


@dataclass(frozen=True)
class Lists:
    """names: of all lists that are there. folds: both sides of each, without those that cannot be used.

    The pairs of a side are those whose scene is there.
    """

    names: list[str]
    folds: list[tuple[list[Side], list[Side]]]
    findings: list[DataFinding]

    @property
    def sides(self) -> list[Side]:
        """Those of all folds."""
        return [side for fold in self.folds for sides in fold for side in sides]

    @cached_property
    def members(self) -> dict[str, set[tuple[Path, Path]]]:
        """The identities of the pairs on each list."""
        return {
            side.list_name: {pair.identity for pair in side.pairs} for side in self.sides if side.list_name
        }

    def of(self, pair: Pair) -> list[str]:
        """Return the names of the lists that hold a scene."""
        return [name for name, members in self.members.items() if pair.identity in members]


def read_lists(folder: Path) -> Lists:
    """Read train.csv and val.csv, and those of folds."""
    found = [match for path in sorted(folder.glob("*.csv")) if (match := LIST.fullmatch(path.name))]
    folds = sorted({-1, *(int(match[2]) for match in found if match[2])}) if found else []  # -1: of no fold
    findings: list[DataFinding] = []
    sides = [
        tuple(
            _side(folder, list_name(side, fold if fold >= 0 else None), findings) for side in ("train", "val")
        )
        for fold in folds
    ]
    return Lists([match[0] for match in found], [(train, val) for train, val in sides], findings)


def _side(folder: Path, name: str, findings: list[DataFinding]) -> list[Side]:
    """Return the side that a list makes, nothing where it cannot be used; adds to the findings."""
    try:
        if list_in(folder, name) is None:
            return []
        rows = rows_of(folder, name)
    except FileError as error:
        findings.append(finding_of(folder, error, stops=True))
        return []
    findings += [finding_of(folder, error, stops=True) for error in missing_of(folder, name, rows)]
    pairs = [pair_of(folder, row.image, row.label) for row in rows if os.path.isfile(row.image)]
    return [Side(folder, name, pairs)]


def finding_of(folder: Path, error: FileError, stops: bool) -> DataFinding:
    """Return an error about a file of the folder as a finding."""
    return DataFinding(
        folder, within(folder, error.path or folder), error.reason, error.remedy.strip("; "), stops
    )
