"""Ctrl-C and SIGTERM (as `docker stop` sends it): the process leaves at once, without a part of a mask."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

_MESSAGE = b"infer: stopped: the masks so far are whole; --resume makes the rest\n"


def leave_on_signals(clean_up: Callable[[], None]) -> None:
    """From now on SIGINT and SIGTERM clean up, say so in a line and exit with 130 and 143.

    The handler raises nothing: an exception out of a handler can strike inside Python's import machinery and
    leave a lock taken for ever, and unwinding through torch takes longer than the judge may wait.
    """

    def leave(number: int, _: FrameType | None) -> None:
        clean_up()
        os.write(2, _MESSAGE)
        os._exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup: the caller's wish
            signal.signal(number, leave)
