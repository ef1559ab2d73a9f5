"""Runs the job in child processes, so that a crash of a native library costs one scene and not the run.

Where a signal kills the child (a segmentation fault in a decoder, an abort), each scene that was at hand is
tried in a child of its own; one that kills its child too gets a black mask, and a last child makes the rest.
After a SIGKILL, as the kernel sends it when memory is short, a smaller tile is tried before that. Where a GPU
was in use, single scenes are tried on the CPU, and if that does all of them, it makes the rest too: the GPU
was to blame. A child that finds the GPU lost says so by its exit code. A fork takes a millisecond; without a
crash there is one child, and this process only waits for it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace

from infer.process.clock import process_start
from infer.process.journal import Journal, MaskMade
from infer.process.limits import oom_kills
from infer.process.progress import UNHEARD, tell
from infer.process.signals import STOPPED_BY, not_ignored

PR_SET_PDEATHSIG = 1  # linux/prctl.h
GPU_LOST = 99  # exit code of a child, never of the job: what is left is to be made on a CPU
MAX_UNEXPLAINED = 2  # crashes with no scene at hand after which what is left is given up


@dataclass(frozen=True)
class Order:
    """What a child is to do.

    only: the names of the scenes to make, None for all; then nothing is audited or reported.
    done: what earlier children made. lost: why no child is to touch a scene, by its name.
    all_lost: why none of the scenes left is to be touched.
    again: scenes that were at hand in a crash and were tried once more, and what it was.
    tile: the largest that memory allows, in pixels, as crashes have shown.
    gpu_lost: why no GPU is to be used.
    began: when the first process started, on the scale of time.monotonic().
    retries: seconds of earlier children, the first that crashed included; 0 where none did.
    """

    journal: Journal | None = None
    only: Collection[str] | None = None
    done: dict[str, MaskMade] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    all_lost: str | None = None
    again: dict[str, str] = field(default_factory=dict)
    tile: int | None = None
    gpu_lost: str | None = None
    began: float = field(default_factory=process_start)
    retries: float = 0.0


def supervise(work: Callable[[Order], int], smaller_tile: Callable[[int], int | None]) -> int:
    """Run `work` in children until one of them ends by itself; return its exit code.

    smaller_tile: the next tile to try where memory runs out with one of so many pixels, None for none.
    """
    journal = Journal()
    order = Order(journal)
    unexplained, forked = 0, time.monotonic()
    while True:
        killed_before = oom_kills()
        code = _in_a_child(work, order)
        if code == GPU_LOST and order.gpu_lost is None:
            order = _without_gpu(order, journal, journal.why_lost(), forked)
            continue
        if code >= 0:
            return code
        crash = _name(-code)
        suspects = [name for name in journal.at_hand() if name not in order.lost]
        order = replace(order, done=journal.done())
        order.again.update(dict.fromkeys(suspects, f"the process was killed by {crash}"))
        tile = smaller_tile(journal.tile()) if -code == signal.SIGKILL else None
        if tile and (order.tile is None or tile < order.tile):
            order = replace(order, tile=tile, retries=time.monotonic() - forked)
            why = "by the kernel, as memory ran out" if oom_kills() > killed_before else f"by {crash}"
            tell(f"infer: the process was killed {why}: going on with tiles of {tile} pixels")
            continue
        tell(f"infer: the process was killed by {crash}: going on without what caused it")
        if stopped := _try_each(work, order, journal, suspects):
            return stopped
        order = replace(order, done=journal.done(), retries=time.monotonic() - forked)
        if not any(name in order.lost for name in suspects):
            if order.gpu_lost is None and journal.gpu():
                order = _without_gpu(order, journal, f"the process was killed by {crash}", forked)
                continue
            unexplained += 1
        if unexplained > MAX_UNEXPLAINED:
            if order.all_lost:
                return 1
            why = f"the process was killed by {crash} again and again{_hint(-code)}"
            order = replace(order, all_lost=why)


def _without_gpu(order: Order, journal: Journal, why: str, forked: float) -> Order:
    """Return the order for a child that makes on a CPU what is left."""
    tell(f"infer: the GPU cannot be used any more ({why}): going on with the CPU")
    return replace(order, gpu_lost=why, done=journal.done(), retries=time.monotonic() - forked)


def _try_each(
    work: Callable[[Order], int], order: Order, journal: Journal, suspects: list[str]
) -> int | None:
    """Make each scene in a child of its own, on a CPU; enter in order.lost what kills that too.

    Returns the exit code where a child was told to stop.
    """
    for name in suspects:
        alone = replace(order, only={name}, done=journal.done(), again={})
        code = _in_a_child(work, replace(alone, gpu_lost=alone.gpu_lost or "a crash"))
        if code > 128:
            return code
        if code < 0:
            order.lost[name] = f"reading or predicting it killed the process ({_name(-code)}{_hint(-code)})"
    return None


def _in_a_child(work: Callable[[Order], int], order: Order) -> int:
    """Return the exit code of a child that does the work, negative the signal that killed it."""
    _flush()  # or both processes would print what waits
    parent = os.getpid()
    # Blocked, and waited for: a handler that strikes just before waitpid() would run only when that returns.
    heard = set(not_ignored(*STOPPED_BY))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*heard, signal.SIGCHLD})
    try:
        child = os.fork()
        if not child:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # nobody would wait for it any more
            if os.getppid() != parent:
                os._exit(1)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            _leave(work(order))
        return os.waitstatus_to_exitcode(_wait_for(child, heard))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait_for(child: int, heard: set[int]) -> int:
    """Return its status. Signals are passed on: it cleans up and ends, this process then ends as it did.

    The first process of a container also inherits, and must reap, what others leave behind.
    """
    while True:
        number = signal.sigwait({*heard, signal.SIGCHLD})
        if number != signal.SIGCHLD:
            with suppress(ProcessLookupError):  # told twice, and it has left at the first
                os.kill(child, number)
            continue
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == child:
                    return ended[1]


def _leave(code: int) -> None:
    """Exit at once: every mask is on the disk and audited, taking torch and DALI apart only costs time."""
    _flush()
    os._exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(*UNHEARD):  # whoever read it has gone; the masks are what counts
            stream.flush()


def _name(number: int) -> str:
    return signal.Signals(number).name if number in signal.valid_signals() else f"signal {number}"


def _hint(number: int) -> str:
    return ", as when memory runs out: give it more" if number == signal.SIGKILL else ""
