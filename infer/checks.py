"""Whether the places that a run writes to and reads from will do, before any time is spent on scenes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from infer.settings import Settings, UsageError


def check_places(settings: Settings) -> None:
    """Makes the output folder and the report's; raises UsageError for a place that cannot be used."""
    _check_folder(settings.output, "output folder", "--output")
    if not settings.weights.is_file():
        raise UsageError(f"no weights file {settings.weights}: give one with --weights")
    if settings.report is None:
        return
    if settings.report.is_dir():
        raise UsageError(f"the report {settings.report} is a folder: give a file with --report")
    _check_folder(settings.report.parent, "folder of the report", "--report")
    if settings.report.exists() and not os.access(settings.report, os.W_OK):
        raise UsageError(f"cannot write the report {settings.report}: give another with --report")


def _check_folder(folder: Path, what: str, flag: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"the {what} {folder} is not a folder: give another with {flag}") from None
    except OSError as error:
        reason = error.strerror
        raise UsageError(f"cannot write to the {what} {folder}: {reason}: give another with {flag}") from None
