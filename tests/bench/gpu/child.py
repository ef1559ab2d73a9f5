"""One part as a process: python -m tests.bench.gpu.child MODULE ROWS WORK OUTPUT MODE [ARGUMENT ...]

MODULE has `measure(place, *arguments)`, a generator of figures; each goes to the file ROWS at once, so that
those of a part that is ended half-way are not lost.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

from tests.bench.gpu.part import OUR_PACKAGES, FailedPart, Place, SkippedPart, missing
from tests.bench.gpu.results import SKIPPED, Figure


def main(module: str, rows: Path, place: Place, *arguments: str) -> int:
    """Measure, and return the exit code; the last line of the output says what went wrong."""
    with rows.open("w", encoding="utf-8") as file:

        def note(figure: Figure) -> None:
            print(*(str(field) for field in figure if field != ""), sep="  ", flush=True)
            file.write(json.dumps(figure) + "\n")
            file.flush()

        try:
            for figure in import_module(module).measure(place, *arguments):
                note(figure)
        except SkippedPart as reason:
            note(Figure(SKIPPED, note=str(reason)))
        except ModuleNotFoundError as error:
            if not error.name or error.name.partition(".")[0] in OUR_PACKAGES:
                raise
            note(Figure(SKIPPED, note=missing(error.name)))
        except FailedPart as failure:
            print(failure, flush=True)
            return 1
    return 0


if __name__ == "__main__":
    name, to, work, output, mode, *rest = sys.argv[1:]
    sys.exit(main(name, Path(to), Place(Path(work), Path(output), mode == "dry"), *rest))
