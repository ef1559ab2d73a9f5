"""Play the judge: run the job from the outside on scenes, audit its masks, score and time it, and report.

Exit code: 0 passed; 1 the job failed or a mask is not as it must be; 2 wrong call; 130 Ctrl-C.
"""

from __future__ import annotations

import sys
from pathlib import Path

from infer.errors import UsageError
from train_offline.commands.judging_arguments import add_arguments
from train_offline.judging.dry_run import dry_run
from train_offline.judging.settings import DryRunSettings, check
from train_offline.runtime.arguments import PART
from train_offline.runtime.program import Parser, run


def make_parser() -> Parser:
    """Return the parser of this command."""
    parser = Parser(
        prog="dry-run",
        allow_abbrev=False,
        description="Play the judge: run the job from outside, audit, score and time its masks.",
        epilog="Exit code: 0 passed, 1 failed, 2 wrong call. "
        "SEA_ICE_DOCKER_BUILD holds further flags of docker build.",
    )
    add = parser.add_argument
    add(
        "--docker", action="store_true", help="build this checkout's image and run it, as strictly as a judge"
    )
    add("--weights", type=Path, metavar="FILE", help="other weights than the job's own")
    add("--threshold", type=PART, metavar="P", help="as of infer")
    add("--device", choices=("auto", "cuda", "cpu"), default="auto")
    add_arguments(parser, DryRunSettings.report_dir)
    return parser


def parse(parser: Parser, argv: list[str] | None) -> DryRunSettings:
    """Return the settings that the command line asks for; raises UsageError for a wrong call."""
    settings = check(DryRunSettings(**vars(parser.parse_args(argv))))
    if settings.hard and not settings.in_container:
        raise UsageError("--hard limits a container: give --docker or --image too, or leave it out")
    return settings


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = make_parser()
    return run("dry-run", lambda: dry_run(parse(parser, argv)), parser)


if __name__ == "__main__":
    sys.exit(main())
