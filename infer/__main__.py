"""`python -m infer`: arguments in, exit code out, one line for every mistake."""

from __future__ import annotations

import os
import sys

from infer.errors import GpuLostError, UsageError
from infer.process.environment import prepare_environment
from infer.process.progress import tell
from infer.process.signals import leave_on_signals
from infer.process.supervisor import GPU_LOST, Order, supervise
from infer.settings import STOPPED, parse, smaller_tile

WRONG_CALL = 2
NO_THREAD = "can't start new thread"  # as Python says it


def main(argv: list[str] | None = None, order: Order | None = None) -> int:
    """Run the job, or the part of it that `order` says, and return its exit code."""
    try:
        settings = parse(argv)
        prepare_environment()
        from infer.job import run  # after the arguments: --help need not wait for NumPy and OpenCV

        return run(settings, order or Order())
    except UsageError as error:
        tell(f"infer: {error}")
        return WRONG_CALL
    except GpuLostError as error:
        if order is None or order.journal is None:
            raise
        order.journal.gpu_lost(error.reason)
        return GPU_LOST
    except RuntimeError as error:
        if NO_THREAD not in str(error):
            raise
        return _complain_of_threads()


def _complain_of_threads() -> int:
    tell("infer: no more threads may be started here: raise the limit (docker run --pids-limit, ulimit -u)")
    return WRONG_CALL


def _work(order: Order) -> int:
    try:
        return main(order=order)
    except SystemExit as leaving:  # --help
        return leaving.code if isinstance(leaving.code, int) else 0
    except BaseException:  # a bug of ours: its traceback, and the code that Python itself would give
        import traceback

        traceback.print_exc()
        return 1


if __name__ == "__main__":
    leave_on_signals(STOPPED, lambda: None)
    # A caller may have closed them; Python then has None where print() and isatty() want a stream.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, for as long as the process lives
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    try:
        sys.exit(supervise(_work, smaller_tile))
    except BlockingIOError:  # of fork
        sys.exit(_complain_of_threads())
