"""Ctrl-C and SIGTERM as a wish that the training loop can grant once its state is whole."""

from __future__ import annotations

import signal
from types import FrameType

WATCHED = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Context in which the first SIGINT or SIGTERM is kept in `signal`; a second one acts at once."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interrupt:
        for number in WATCHED:
            self._before[number] = signal.signal(number, self._remember)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        self.__exit__()


def leave_signals_to_parent(_worker: int = 0) -> None:
    """For processes that draw crops: Ctrl-C reaches them too, but the training process ends them."""
    for number in WATCHED:
        signal.signal(number, signal.SIG_IGN)
