"""`python -m infer`: arguments in, exit code out, one line for every mistake."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

from infer.settings import UsageError, parse

WRONG_CALL, INTERRUPTED, TERMINATED = 2, 130, 143


class _Terminated(KeyboardInterrupt):
    """SIGTERM, as `docker stop` sends it."""


def main(argv: list[str] | None = None) -> int:
    """Runs the job with command-line arguments and returns its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        settings = parse(argv)
        # Threads that spin while they wait take the processor from decoding and writing: 1.5 to 3 times slower
        # on a busy machine. OpenMP reads this once, when torch is imported.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        from infer.job import run  # after the arguments: --help need not wait for NumPy and OpenCV

        return run(settings)
    except UsageError as error:
        print(f"infer: {error}", file=sys.stderr)
        return WRONG_CALL
    except KeyboardInterrupt as error:
        stopped = isinstance(error, _Terminated)
        print("infer: stopped: the masks so far are whole; --resume makes the rest", file=sys.stderr)
        return TERMINATED if stopped else INTERRUPTED


def _terminate(*_: object) -> None:
    raise _Terminated


if __name__ == "__main__":
    code = main()
    with suppress(BrokenPipeError):  # whoever read the output has gone; the masks are what counts
        sys.stdout.flush()
        sys.stderr.flush()
    # Every mask is on the disk and audited by now: taking torch and DALI apart would only cost half a second.
    os._exit(code)
