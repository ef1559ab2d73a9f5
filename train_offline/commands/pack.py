"""Make the file to submit: build the image, judge it in a container, and only if it passes save it.

Writes DIR/sea-ice-DATE-COMMIT.tar.gz, its .sha256, and .report.html, .report.json and .cdx.json (what the
image holds, in CycloneDX's form) beside it, all under one name. `docker load` reads the archive as it is and
brings the tags sea-ice:latest and sea-ice:COMMIT. With --image the image's id stands for the commit, the tag
is its own name, and there is no .cdx.json. Exit code: 0 saved; 1 the dry run failed, nothing is saved; 2
wrong call.
"""

from __future__ import annotations

import sys
from pathlib import Path

from train_offline.commands.judging_arguments import add_arguments
from train_offline.judging.dry_run import dry_run
from train_offline.judging.release.pack import pack
from train_offline.judging.settings import DryRunSettings, check
from train_offline.runtime.program import Parser, run

REPORT_DIR = Path("runs/pack")


def make_parser() -> Parser:
    """Return the parser of this command."""
    parser = Parser(prog="pack", allow_abbrev=False, description="Build, judge and save the image to submit.")
    parser.add_argument("--output", type=Path, default=Path("submissions"), metavar="DIR",
        help="where the archive goes (%(default)s, in the current folder)")  # fmt: skip
    add_arguments(parser, REPORT_DIR)
    return parser


def parse(parser: Parser, argv: list[str] | None) -> tuple[DryRunSettings, Path]:
    """Return the settings of the dry run and the archive's folder; raises UsageError for a wrong call."""
    given = vars(parser.parse_args(argv))
    output = given.pop("output")
    return check(DryRunSettings(**given)), output


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = make_parser()
    return run("pack", lambda: pack(*parse(parser, argv), dry_run), parser)


if __name__ == "__main__":
    sys.exit(main())
