"""Writes what a dry run found: the table, report.json, report.html and history.csv."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infer.errors import FileError
from infer.process.text import one_line
from train_offline.judging.report import history
from train_offline.judging.report.content import Result, content_of
from train_offline.judging.report.page.page import page
from train_offline.judging.report.terminal import table
from train_offline.runtime.files import write_whole

FINDINGS_SHOWN = 12
PAGE, CONTENT = "report.html", "report.json"


def report(result: Result, folder: Path) -> int:
    """Print the table, write the three files; returns the exit code, 0 or 1. Raises FileError."""
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
            print(f"dry-run: {one_line(str(finding))}", file=sys.stderr)
        if len(result.findings) > FINDINGS_SHOWN:
            more = len(result.findings) - FINDINGS_SHOWN
            print(f"dry-run: and {more} more, all in the report", file=sys.stderr)
        print(table(content), flush=True)


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """Bear a reader like `| head -1`: the report is written and the exit code tells all the same."""
    try:
        yield
    except OSError:  # a closed pipe, or a full disk behind it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(path: Path, text: str) -> None:
    _guarded(lambda: write_whole(path, text.encode("utf-8", errors="replace")), path)


def _guarded(write: Callable[[], None], path: Path) -> None:
    """Write; raises FileError naming the path where that fails."""
    try:
        write()
    except OSError as error:
        reason = f"cannot be written ({error.strerror})"
        raise FileError(path, reason, "; name another {report_dir}", kind="unwritable") from error
