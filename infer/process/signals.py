"""Ctrl-C and SIGTERM (as `docker stop` sends it): the process leaves at once, without a part of a mask."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

STOPPED_BY = (signal.SIGINT, signal.SIGTERM)


def leave_on_signals(line: str, clean_up: Callable[[], None]) -> None:
    """Make SIGINT and SIGTERM clean up, write the line on stderr and exit with 130 and 143, from now on.

    The handler raises nothing: an exception out of a handler can strike inside Python's import machinery and
    leave a lock taken for ever, and unwinding through torch takes longer than the judge may wait.
    """

    def leave(number: int, _: FrameType | None) -> None:
        _leave(number, line, clean_up)

    for number in not_ignored(*STOPPED_BY):
        signal.signal(number, leave)


def leave_on_signals_at_any_moment(line: str, clean_up: Callable[[], None]) -> None:
    """Do the same from a thread of its own, which native code does not hold up.

    Python calls handlers between two steps of its main thread: one forward pass of a large scene may last
    longer than the judge waits after SIGTERM. What writes to the wakeup pipe is called at once.
    """
    heard = not_ignored(*STOPPED_BY)
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    signal.set_wakeup_fd(sink, warn_on_full_buffer=False)
    for number in heard:
        signal.signal(number, lambda *_: None)

    def watch() -> None:
        while (number := os.read(source, 1)[0]) not in heard:
            pass
        _leave(number, line, clean_up)

    threading.Thread(target=watch, name="signals", daemon=True).start()


def within(seconds: float, work: Callable[[], None]) -> bool:
    """Do something that may hang, and wait no longer than this; tell whether it is done. For handlers."""
    doing = threading.Thread(target=work, daemon=True)
    doing.start()
    doing.join(seconds)
    return not doing.is_alive()


def descendants() -> set[int]:
    """Return the numbers of the processes that this one has started, and these, and so on."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            after_name = path.read_text(errors="replace").rpartition(")")[2]
            parents[int(path.parent.name)] = int(after_name.split()[1])
    found, before = {os.getpid()}, 0
    while len(found) > before:
        before = len(found)
        found |= {pid for pid, parent in parents.items() if parent in found}
    return found - {os.getpid()}


def not_ignored(*numbers: int) -> list[int]:
    """Return those of the signals that the caller does not want ignored, as nohup does."""
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


def _leave(number: int, line: str, clean_up: Callable[[], None]) -> None:
    clean_up()
    os.write(2, f"{line}\n".encode())
    os._exit(128 + number)
