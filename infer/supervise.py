"""A crash of a native library costs the scene that caused it, not the run.

The job runs in a forked child. Where a signal kills that (a segmentation fault in a decoder, an abort, the
kernel when memory is short), each scene that was at hand is tried in a child of its own; one that kills its
child too gets a black mask, and a last child makes the rest. A fork takes a millisecond; without a crash
there is one child, and this process only waits for it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

from infer.journal import Journal, Outcome
from infer.report import process_start

PR_SET_PDEATHSIG = 1  # linux/prctl.h
MOST_UNEXPLAINED = 2  # crashes with no scene at hand after which what is left is given up
STOPPED_BY = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Order:
    """What a child is to do.

    only: the names of the scenes to make, None for all; then nothing is audited or reported.
    done: what earlier children made. lost: why no child is to touch a scene, by its name.
    all_lost: why none of the scenes left is to be touched.
    again: scenes that were at hand in a crash and were tried once more, and what it was.
    began: when the first process started, as in Report.
    retries: seconds of earlier children, the first that crashed included; 0 where none did.
    """

    journal: Journal | None = None
    only: Collection[str] | None = None
    done: dict[str, Outcome] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    all_lost: str | None = None
    again: dict[str, str] = field(default_factory=dict)
    began: float = field(default_factory=process_start)
    retries: float = 0.0


def supervise(work: Callable[[Order], int]) -> int:
    """Run `work` in children until one of them ends by itself; returns its exit code."""
    journal = Journal()
    lost: dict[str, str] = {}
    again: dict[str, str] = {}
    unexplained, all_lost, began = 0, None, process_start()
    forked, retries = time.monotonic(), 0.0
    while True:
        code = _in_a_child(work, Order(journal, None, journal.done(), lost, all_lost, again, began, retries))
        if code >= 0:
            return code
        crash = _name(-code)
        suspects = [name for name in journal.at_hand() if name not in lost]
        _say(f"the process was killed by {crash}: going on without what caused it")
        again.update(dict.fromkeys(suspects, f"the process was killed by {crash}"))
        for name in suspects:
            code = _in_a_child(work, Order(journal, {name}, journal.done(), lost, began=began))
            if code > 128:  # told to stop
                return code
            if code < 0:
                lost[name] = f"reading or predicting it killed the process ({_name(-code)})"
        if not suspects or not any(name in lost for name in suspects):
            unexplained += 1
        if unexplained > MOST_UNEXPLAINED:
            if all_lost:
                return 1
            all_lost = f"the process was killed by {crash} again and again"
        retries = time.monotonic() - forked


def _in_a_child(work: Callable[[Order], int], order: Order) -> int:
    """The exit code of a child that does the work, negative the signal that killed it."""
    _flush()  # or both processes would print what waits
    parent = os.getpid()
    child = os.fork()
    if not child:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # nobody would wait for it any more
        if os.getppid() != parent:
            os._exit(1)
        _leave(work(order))
    before = _pass_on_signals(child)
    try:
        _, status = os.waitpid(child, 0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return os.waitstatus_to_exitcode(status)


def _pass_on_signals(child: int) -> dict[int, signal.Handlers]:
    """The child cleans up and ends, this process then ends as it did. Returns the handlers there were."""

    def pass_on(number: int, _: FrameType | None) -> None:
        os.kill(child, number)

    heard = [number for number in STOPPED_BY if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, pass_on) for number in heard}


def _leave(code: int) -> None:
    """Exits at once: every mask is on the disk and audited, taking torch and DALI apart only costs time."""
    _flush()
    os._exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # whoever read it has gone; the masks are what counts
            stream.flush()


def _name(number: int) -> str:
    return signal.Signals(number).name if number in signal.valid_signals() else f"signal {number}"


def _say(message: str) -> None:
    with suppress(OSError, ValueError):
        print(f"infer: {message}", file=sys.stderr, flush=True)
