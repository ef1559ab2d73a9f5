"""The arguments that dry-run and pack share."""

from __future__ import annotations

import argparse
from pathlib import Path

from train_offline.judging.settings import ContainerLimits, bytes_of
from train_offline.runtime.arguments import COUNT, POSITIVE

MIN_MEMORY = 6 * 1024**2  # bytes; docker starts nothing with less


def add_arguments(parser: argparse.ArgumentParser, default_report: Path) -> None:
    """Add them to a parser; default_report: the folder for the reports."""
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR",
        help="data folder (image/, gt/, val.csv) or a folder of scenes (the embedded split)")  # fmt: skip
    add("--image", metavar="NAME", help="judge this image, anybody's: /input and /output, no arguments")
    add("--per-scene", action="store_true", help="a process or container for each scene")
    add("--repeat", type=COUNT, default=1, metavar="N", help="runs, for medians (%(default)s)")
    add("--time-limit", type=POSITIVE, metavar="S", help="seconds for a process or container")
    add("--cold", action="store_true", help="drop the page cache before each start, where that is allowed")
    add("--memory", type=_memory, default=ContainerLimits.memory, metavar="SIZE",
        help="of a container (%(default)s)")  # fmt: skip
    add("--hard", action="store_true",
        help="a container once more: 1 processor, 1 GB, 128 processes, only /output to write to")  # fmt: skip
    add("--report-dir", type=Path, default=default_report, metavar="DIR",
        help="for report.html, report.json and history.csv (%(default)s, in the current folder)")  # fmt: skip
    add("--keep", type=Path, metavar="DIR", help="keep the masks in this new or empty folder")


def _memory(text: str) -> str:
    if bytes_of(text) < MIN_MEMORY:
        raise argparse.ArgumentTypeError(f"must be a size from 6m on, such as 8g or 900m, not {text!r}")
    return text
