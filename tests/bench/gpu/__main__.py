"""One command for the day that a GPU is there; tests/bench/gpu.sh starts it.

Each part is a process of its own with a log in OUTPUT_DIR and ends in rows of OUTPUT_DIR/results-gpu.csv:
figures, or "skipped" or "failed" and why. A part that is in that file is not run again, so that the command
can be given as often as it takes. Exit code: 0, 1 where a part has failed, 2 wrong call.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.gpu.day import Day, run_day
from tests.bench.gpu.part import REPO
from tests.bench.gpu.plan import PARTS
from tests.bench.gpu.results import this_machine
from train_offline.runtime import program as command
from train_offline.runtime.arguments import POSITIVE


def main(argv: list[str] | None = None) -> int:
    names = [part.name for part in PARTS]
    description, _, rest = (__doc__ or "").partition("\n\n")
    epilog = f"{rest} Parts: {', '.join(names)}."
    parser = command.Parser(prog="gpu", allow_abbrev=False, description=description, epilog=epilog)
    add = parser.add_argument
    add("output", type=Path, metavar="OUTPUT_DIR", help="for the table and the logs")
    add("--dry", action="store_true", help="a rehearsal: everything small, once, on the CPU")
    add("--seconds", type=POSITIVE, default=540.0, metavar="N", help="begin no part after N (%(default)s)")
    add("--only", action="append", choices=names, metavar="PART", help="this part; repeatable (all)")
    add("--again", action="store_true", help="also parts that failed before")
    add(
        "--work",
        type=Path,
        default=REPO / "runs" / "bench",
        metavar="DIR",
        help="scenes, weights (%(default)s)",
    )

    def work() -> int:
        given = parser.parse_args(argv)
        output, folder = (path.absolute() for path in (given.output, given.work))
        for path in (output, folder):
            path.mkdir(parents=True, exist_ok=True)
        wanted = [part for part in PARTS if not given.only or part.name in given.only]
        if given.dry:
            alike = [part.name for part in wanted if part.alike]
            wanted = [part for part in wanted if not part.alike]
            if alike:
                command.say(f"gpu: left out, for small they are like others: {', '.join(alike)}")
        return run_day(
            Day(output, folder, this_machine(given.dry), given.seconds, given.again), wanted, names
        )

    return command.run("gpu", work, parser)


if __name__ == "__main__":
    sys.exit(main())
