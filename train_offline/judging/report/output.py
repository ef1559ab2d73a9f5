"""Writes what a dry run found: the table, report.json, report.html and history.csv."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infer.errors import UsageError
from train_offline.judging.finding import Finding
from train_offline.judging.report import history
from train_offline.judging.report.content import Result, content_of
from train_offline.judging.report.page.page import page
from train_offline.judging.report.terminal import table

FINDINGS_SHOWN = 12
PAGE, CONTENT = "report.html", "report.json"


def report(result: Result, folder: Path) -> int:
    """Print the table, write the three files; returns the exit code."""
    content = content_of(result)
    content["comparison"] = history.compare(history.earlier_run(folder, result.data), content)
    pictures = {scene.name: scene.picture for scene in result.scenes if scene.picture}
    try:
        _write(folder / CONTENT, json.dumps(content, indent=1, allow_nan=False) + "\n")
        _write(folder / PAGE, page(content, pictures))
        _guarded(lambda: history.append(folder, content), folder / history.FILE_NAME)
    finally:  # whoever waited for the run is told what it gave, whatever became of the report
        _tell(result, content)
    with _reader_may_leave():
        print(f"{'report':<12} {folder / PAGE}", flush=True)
    return 0 if result.passed else 1


def _tell(result: Result, content: dict[str, Any]) -> None:
    with _reader_may_leave():
        for finding in result.findings[:FINDINGS_SHOWN]:
            print(f"dry-run: {_one_line(finding)}", file=sys.stderr)
        if len(result.findings) > FINDINGS_SHOWN:
            more = len(result.findings) - FINDINGS_SHOWN
            print(f"dry-run: and {more} more, all in the report", file=sys.stderr)
        print(table(content), flush=True)


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """As in `| head -1`: the report is written and the exit code tells all the same."""
    try:
        yield
    except OSError:  # a closed pipe, or a full disk behind it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _one_line(finding: Finding) -> str:
    """A finding that no name of a file can make two lines of."""
    return "".join(c if c.isprintable() else "?" for c in str(finding))


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")

    def write() -> None:
        try:
            draft.write_text(text, encoding="utf-8", errors="replace")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    _guarded(write, path)


def _guarded(write: Callable[[], Any], path: Path) -> None:
    try:
        write()
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be written ({error.strerror}); name another --report-dir"
        ) from error
