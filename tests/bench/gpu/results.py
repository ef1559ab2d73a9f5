"""results-gpu.csv: what was measured, with the card and the code; which parts it holds is what is done."""

from __future__ import annotations

import csv
import os
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from train_offline.runtime.code_version import revision

NAME = "results-gpu.csv"
SKIPPED, FAILED = "skipped", "failed"  # in the place of what was measured; the note says why
QUERY = ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader", "--id=0")


class Figure(NamedTuple):
    """One thing that was measured, or that was skipped or failed; unit: of the value, as "s" or "share"."""

    what: str
    value: float | int | str = ""
    unit: str = ""
    note: str = ""


class Machine(NamedTuple):
    """mode: "gpu" or "dry", a rehearsal on a CPU whose figures mean nothing."""

    mode: str
    gpu: str
    driver: str
    torch: str
    commit: str


COLUMNS = ("part", *Figure._fields, *Machine._fields)


def this_machine(dry: bool) -> Machine:
    """The first card by nvidia-smi, empty where there is none; the commit is $COMMIT outside of git."""
    card, driver = "", ""
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(QUERY, capture_output=True, text=True, timeout=60, check=True).stdout
        card, _, driver = (text.strip() for text in said.strip().partition(","))
    torch = ""
    with suppress(PackageNotFoundError):
        torch = version("torch")
    commit = revision(12)
    if commit == "no-commit":
        commit = os.environ.get("COMMIT", commit)
    return Machine("dry" if dry else "gpu", card, driver, torch, commit)


def read(folder: Path) -> list[dict[str, str]]:
    """The rows so far; none where there is no table yet."""
    try:
        with (folder / NAME).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        return []


def replace_part(
    folder: Path, part: str, figures: Iterable[Figure], machine: Machine, order: Sequence[str]
) -> None:
    """Put the rows of a part in the place of its earlier ones; the table has the parts in this order."""
    rows: list[dict[str, Any]] = [row for row in read(folder) if row["part"] != part]
    rows += [{"part": part, **figure._asdict(), **machine._asdict()} for figure in figures]
    places = {name: place for place, name in enumerate(order)}
    rows.sort(key=lambda row: places.get(row["part"], len(places)))
    draft = folder / f"{NAME}.new"
    with draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    draft.replace(folder / NAME)


def outcome(rows: Iterable[dict[str, str]], part: str) -> str | None:
    """What became of a part: "failed", "done", "skipped" as a whole, or None, not run yet."""
    whats = {row["what"] for row in rows if row["part"] == part}
    if not whats:
        return None
    return FAILED if FAILED in whats else SKIPPED if whats == {SKIPPED} else "done"
