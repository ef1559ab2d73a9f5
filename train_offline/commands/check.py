"""Look through a data folder before training: what is broken, missing, striped or doubled, and how to fix it.

python -m train_offline.commands.check DIR [--report DIR]

Exit code: 0 nothing that stops a training; 1 something that does; 2 wrong call, or no scene to look at.
"""

from __future__ import annotations

if __name__ == "__main__":  # before the imports, which take seconds
    from train_offline.runtime.signals import leave_at_once

    leave_at_once("check")

import sys
from dataclasses import dataclass
from pathlib import Path

from train_offline.data.check.check import check
from train_offline.data.check.report import table, write_report
from train_offline.runtime.program import Parser, run


@dataclass(frozen=True)
class CheckSettings:
    """report: where check.html and check.csv go, None for no files."""

    folder: Path
    report: Path | None


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = Parser(prog="check", description="Look through a data folder before training on it.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="data folder with image/ and gt/")
    of_report = "write check.csv and check.html, a contact sheet: scenes with the ice outlined"
    parser.add_argument("--report", type=Path, metavar="DIR", help=of_report)

    def work() -> int:
        settings = CheckSettings(**vars(parser.parse_args(argv)))
        report = check(settings.folder, pictures=settings.report is not None)
        print(table(report))
        if settings.report is not None:
            for path in write_report(report, settings.report):
                print(path)
        return 1 if report.stops else 0

    return run("check", work, parser)


if __name__ == "__main__":
    sys.exit(main())
