"""`python -m infer`: arguments in, exit code out, one line for every mistake."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from infer.stop import leave_on_signals

WRONG_CALL = 2


def main(argv: list[str] | None = None) -> int:
    """Runs the job with command-line arguments and returns its exit code."""
    from infer.settings import UsageError, parse

    try:
        settings = parse(argv)
        # Threads that spin while they wait take the processor from decoding and writing: 1.5 to 3 times
        # slower on a busy machine. OpenMP reads this once, when torch is imported.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        from infer.job import run  # after the arguments: --help need not wait for NumPy and OpenCV

        return run(settings)
    except UsageError as error:
        print(f"infer: {error}", file=sys.stderr)
        return WRONG_CALL


def _leave(code: int) -> None:
    """Exits at once: every mask is on the disk and audited, taking torch and DALI apart only costs time."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # whoever read it has gone; the masks are what counts
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    leave_on_signals(lambda: None)
    # A caller may have closed them; Python then has None where print() and isatty() want a stream.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, for as long as the process lives
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    try:
        exit_code = main()
    except SystemExit as leaving:  # --help
        exit_code = leaving.code or 0
    _leave(exit_code)
