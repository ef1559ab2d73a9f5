"""Ctrl-C, SIGTERM and a lost terminal: at once while nothing is lost, else once the state is whole."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from infer.process.signals import not_ignored

Handler = Callable[[int, FrameType | None], object] | int | None  # as signal.getsignal returns it
PR_SET_PDEATHSIG = 1  # linux/prctl.h
WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def leave_at_once(prog: str) -> None:
    """Let SIGINT, SIGTERM and SIGHUP say so in a line and end the process with 128 + N from now on.

    For programs whose imports take seconds, until program.run takes over. The handler raises nothing: an
    exception can strike inside Python's import machinery, where it is printed, swallowed or leaves a lock
    taken.
    """

    def leave(number: int, _frame: FrameType | None) -> None:
        with suppress(OSError):  # the terminal may be what has gone
            os.write(2, f"{prog}: stopped\n".encode())
        os._exit(128 + number)

    for number in not_ignored(*WATCHED):
        signal.signal(number, leave)


class Interrupt:
    """Context in which the first watched signal is kept in `signal`; the same once more acts at once.

    A signal that was ignored before, as under nohup, stays ignored. Another one does not act at once:
    torchrun answers Ctrl-C, which its processes get too, by sending them SIGTERM.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> Interrupt:
        for number in not_ignored(*WATCHED):
            self._before[number] = signal.signal(number, self._remember)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number: int, _frame: FrameType | None) -> None:
        self.signal = self.signal or number
        signal.signal(number, self._before[number])


def leave_signals_to_parent(_worker: int = 0) -> None:
    """Ignore signals in processes that draw crops: Ctrl-C reaches them too, but the training ends them."""
    for number in WATCHED:
        signal.signal(number, signal.SIG_IGN)


def end_with_parent() -> None:
    """End this process with the one that has started it, however that ends, where the system can do that.

    Else it may wait for ever to hand over what nobody reads: it holds the other end of the pipe itself.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
