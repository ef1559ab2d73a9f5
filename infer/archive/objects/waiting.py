"""A store that is down is waited for, and said to be; a fault that lasts is told at once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from infer.archive.objects.faults import Fault, fault_of
from infer.archive.objects.place import Say
from infer.errors import SeaIceError, StoreDownError, UsageError

SAY_EVERY = 30.0  # seconds
MAX_PAUSE = 15.0  # seconds; all workers of a run come back within that
TRIES_OF_LASTING = (
    3  # where the store has answered before: a bit that flips on the way spoils a signature, too
)
_T = TypeVar("_T")


class AgainError(Exception):
    """What came is not what the store holds: try again; the text says why."""


class StoreCalls:
    """Calls of one store, tried again for timeout_s seconds since the first fault; of many threads."""

    def __init__(self, url: str, timeout_s: float, say: Say) -> None:
        self._url, self._timeout_s, self._say = url, timeout_s, say
        self._lock = threading.Lock()
        self._answered = False  # whether it ever did
        self._said = 0.0

    def __call__(self, ask: Callable[[], _T]) -> _T:
        """Return what `ask` returns; errors of ours, FileNotFoundError and those of conditions pass.

        Raises UsageError for a fault that lasts, StoreDownError where the time is over.
        """
        patience = Patience(self)
        while True:
            try:
                answer = ask()
            except BaseException as error:
                patience.after(error)
            else:
                self._answered = True
                return answer

    def lasting(self, fault: Fault) -> UsageError:
        """Return the error of a fault that waiting does not mend."""
        return UsageError(f"the store {self._url}: {fault.reason}", fault.remedy)


class Patience:
    """How often and for how long one call has been tried."""

    def __init__(self, waiting: StoreCalls) -> None:
        self._waiting = waiting
        self._since: float | None = None
        self._tries = 0

    def forget(self) -> None:
        """Begin anew: there was an answer."""
        self._since, self._tries = None, 0
        self._waiting._answered = True

    def after(self, error: BaseException) -> None:
        """Wait a little after a fault that may pass; raise what else there is."""
        waiting = self._waiting
        if not _of_store(error):
            raise error
        fault = Fault(str(error.args[0])) if isinstance(error, AgainError) else fault_of(error)
        self._tries += 1
        if fault.lasting and (not waiting._answered or self._tries >= TRIES_OF_LASTING):
            raise waiting.lasting(fault) from error
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        waited = now - self._since
        if waited >= waiting._timeout_s:
            reason = (
                f"the store {waiting._url} has not answered for {waited:.0f} s ({fault.reason}): "
                "what is done stands; start the same command again when it is back, or give it more time"
            )
            raise StoreDownError(reason) from error
        if self._tries > 1:
            self._tell(now, waited, fault)
        pause = min(MAX_PAUSE, 0.25 * 2.0**self._tries, max(0.1, waiting._timeout_s / 8))
        time.sleep(min(pause * random.uniform(0.5, 1), max(0.01, waiting._timeout_s - waited)))

    def _tell(self, now: float, waited: float, fault: Fault) -> None:
        waiting = self._waiting
        with waiting._lock:
            if waiting._said and now - waiting._said < SAY_EVERY:
                return
            waiting._said = now
        waiting._say(
            f"the store {waiting._url} does not answer ({fault.reason}): "
            f"waiting, {waited:.0f} s of {waiting._timeout_s:.0f}"
        )


def _of_store(error: BaseException) -> bool:
    """Return whether an error is the store's, not ours and not an answer, as that there is no such object."""
    from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

    if isinstance(error, (SeaIceError, AlreadyExistsError, PreconditionError)):
        return False
    panic = type(error).__module__ == "pyo3_runtime"  # derives from BaseException
    return isinstance(error, (BaseError, AgainError)) or panic
