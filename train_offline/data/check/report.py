"""What a check found: a table for the terminal, check.csv, and check.html with a picture of every scene."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from infer.errors import FileError
from train_offline.data.check.thumbnail import Thumbnail
from train_offline.data.rules.finding import DataFinding
from train_offline.runtime.files import write_whole

TEMPLATES = Path(__file__).parent
HEAD = ("scene", "size", "bands", "type", "ice", "ignored", "lists", "findings")
COLUMNS = ["file", "height", "width", "bands", "type", "ice", "ignored", "lists", "findings"]


@dataclass(frozen=True)
class Row:
    """One scene. ice: share of the pixels that count; ignored: share of all; both None without a usable mask.

    lists: those of train.csv and val.csv that name it. picture: None where none was asked for or possible.
    """

    file: str
    size: tuple[int, int] | None
    bands: int | None
    dtype: str
    ice: float | None
    ignored: float | None
    lists: list[str]
    findings: list[DataFinding]
    picture: Thumbnail | None

    @property
    def name(self) -> str:
        """The scene's."""
        return Path(self.file).stem

    @property
    def size_text(self) -> str:
        """Width x height, for people."""
        return f"{self.size[1]}x{self.size[0]}" if self.size else "?"

    @property
    def ice_text(self) -> str:
        """The share of ice, empty without a usable mask."""
        return "" if self.ice is None else _percent(self.ice)

    @property
    def list_text(self) -> str:
        """The lists that name it, without their suffix."""
        return " ".join(name.removesuffix(".csv") for name in self.lists)

    @property
    def kinds(self) -> list[str]:
        """What the contact sheet can choose it by."""
        ice = [] if self.ice is None else ["ice" if self.ice else "empty"]
        return ice + ["finding"] * bool(self.findings) + self.list_text.split()


@dataclass(frozen=True)
class CheckReport:
    """rows: of the scenes. findings: all of them, those that stop a training first."""

    folder: Path
    rows: list[Row]
    findings: list[DataFinding]

    @property
    def stops(self) -> int:
        """How many findings stop a training."""
        return sum(one.stops for one in self.findings)

    @property
    def with_ice(self) -> int:
        """How many scenes hold ice that counts."""
        return sum(bool(row.ice) for row in self.rows)


def table(report: CheckReport) -> str:
    """Return a line for each scene, then one for each finding, without a newline at the end."""
    lines = [HEAD, *map(_cells, report.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines]
    told = [f"{'STOPS' if f.stops else 'look'}: {f.file}: {f.what}; to do: {f.fix}" for f in report.findings]
    return "\n".join([line.rstrip() for line in shown] + told + [summary(report)])


def summary(report: CheckReport) -> str:
    """Return the counts in one line."""
    counts = f"{report.stops} findings that stop a training, {len(report.findings) - report.stops} to look at"
    return f"{report.folder}: {len(report.rows)} scenes, {report.with_ice} with ice; {counts}"


def write_report(report: CheckReport, folder: Path) -> list[Path]:
    """Write check.html and check.csv into a folder that is made if need be; raises FileError.

    check.csv has a row for each scene, and one for each other file with findings.
    """
    paths = {folder / "check.html": _html(report), folder / "check.csv": _csv(report)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in paths.items():
            write_whole(path, text)
    except OSError as error:
        reason = f"cannot be written: {error.strerror}"
        raise FileError(folder, reason, kind="unwritable", setting="report") from error
    return list(paths)


def _cells(row: Row) -> tuple[str, ...]:
    """Return the line of a scene in the table."""
    ignored = _percent(row.ignored) if row.ignored else ""
    facts = row.name, row.size_text, str(row.bands or "?"), row.dtype or "?", row.ice_text or "?"
    return *facts, ignored, row.list_text, str(len(row.findings) or "")


def _html(report: CheckReport) -> str:
    """Return one file that needs no other: pictures, style and script are inside."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True)
    return environment.get_template("check.html").render(
        folder=report.folder,
        rows=report.rows,
        findings=report.findings,
        with_ice=report.with_ice,
        stops=report.stops,
        looks=len(report.findings) - report.stops,
    )


def _csv(report: CheckReport) -> str:
    rows: list[Sequence[object]] = []
    for row in report.rows:
        height, width = row.size or ("", "")
        shares = ["" if share is None else f"{share:.6f}" for share in (row.ice, row.ignored)]
        facts = [row.file, height, width, row.bands or "", row.dtype, *shares, row.list_text]
        rows.append([*facts, _joined(row.findings)])
    told = {finding for row in report.rows for finding in row.findings}
    others: dict[str, list[DataFinding]] = {}
    for finding in report.findings:
        if finding not in told:
            others.setdefault(finding.file, []).append(finding)
    rows += [[file, *[""] * (len(COLUMNS) - 2), _joined(own)] for file, own in others.items()]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue()


def _joined(findings: Sequence[DataFinding]) -> str:
    return " | ".join(f"{finding.file}: {finding.what}" for finding in findings)


def _percent(share: float) -> str:
    """Return a percentage, never 0.0% for what is not nothing, nor 100.0% for what is not all."""
    return f"{share:.0%}" if share in (0, 1) else f"{min(max(share, 0.001), 0.999):.1%}"
