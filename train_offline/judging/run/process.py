"""One run of a job as a process: its exit code, its seconds, its last words, and what it leaves behind."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import psutil

from train_offline.judging.run.tail import Tail
from train_offline.runtime.code_version import REPOSITORY

PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
LAST_LINES = 20
UMASK = 0o022


@dataclass(frozen=True)
class ProcessOutcome:
    """How one process ended.

    exit_code: negative for a signal. launched, ended: on time.monotonic(). cpu_seconds, peak_rss_bytes: of it
    and of all that it waited for, the peak 0 where it is too small to be told. left: the command lines of
    processes that were still running afterwards.
    """

    exit_code: int
    timed_out: bool
    launched: float
    ended: float
    cpu_seconds: float
    peak_rss_bytes: int
    printed_bytes: int
    last_lines: tuple[str, ...]
    left: tuple[str, ...] = ()

    @property
    def wall(self) -> float:
        """Seconds from launch to end."""
        return self.ended - self.launched


def checkout_environment() -> dict[str, str]:
    """Return this process's environment, with this checkout first where Python looks for packages."""
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


def run_process(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    limit: float | None = None,
    on_start: Callable[[int], None] = lambda pid: None,
    on_kill: Callable[[], None] = lambda: None,
) -> ProcessOutcome:
    """Run a command to its end in a session of its own, its output shown.

    Args:
        command: the program and its arguments.
        cwd: its working folder.
        env: its environment, None for this process's own.
        limit: seconds after which it is killed, with all its descendants; None for no limit.
        on_start: called with its process id.
        on_kill: called before it is killed.
    """
    _adopt_orphans()
    own = psutil.Process().memory_info().rss
    others = {child.pid for child in psutil.Process().children()}
    launched = time.monotonic()
    process = subprocess.Popen(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, umask=UMASK,
    )  # fmt: skip
    streams = ((process.stdout, sys.stdout), (process.stderr, sys.stderr))
    tails = [Tail(pipe, _descriptor(shown)) for pipe, shown in streams if pipe]
    try:
        on_start(process.pid)
        usage, ended, timed_out = _wait(process, limit, on_kill)
    finally:
        left = _kill_orphans(others)
        for tail in tails:
            tail.join(timeout=5)
    return ProcessOutcome(
        exit_code=process.returncode,
        timed_out=timed_out,
        launched=launched,
        ended=ended,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        # A child's peak begins at the size of its parent: one that is no larger is this process's own.
        peak_rss_bytes=usage.ru_maxrss * 1024 if usage.ru_maxrss * 1024 > own else 0,
        printed_bytes=sum(tail.bytes for tail in tails),
        last_lines=tuple(tails[1].lines(LAST_LINES) or tails[0].lines(LAST_LINES)),
        left=() if timed_out else left,
    )


def _wait(
    process: subprocess.Popen[bytes], limit: float | None, on_kill: Callable[[], None]
) -> tuple[resource.struct_rusage, float, bool]:
    """Return what it used, when it ended, and if it was killed for its time; kills it if we are stopped."""
    timed_out = threading.Event()

    def kill() -> None:
        if process.returncode is None:
            timed_out.set()
            on_kill()
            _kill_group(process.pid)

    timer = threading.Timer(limit, kill) if limit else None
    try:
        if timer:
            timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        ended = time.monotonic()
        process.returncode = os.waitstatus_to_exitcode(status)
        return usage, ended, timed_out.is_set()
    finally:
        if timer:
            timer.cancel()
        if process.returncode is None:  # interrupted
            on_kill()
            _kill_group(process.pid)
            with suppress(ChildProcessError):
                os.waitpid(process.pid, 0)


def _adopt_orphans() -> None:
    """Become the parent of processes whose own parent ends, so that none gets away unseen."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _kill_group(pid: int) -> None:
    descendants = []
    with suppress(psutil.Error):
        descendants = psutil.Process(pid).children(recursive=True)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    for one in descendants:  # in sessions of their own
        with suppress(psutil.Error):
            one.kill()


def _kill_orphans(others: set[int]) -> tuple[str, ...]:
    """Kill and collect what has become this process's child by adoption; returns the command lines of it.

    others: children that this process had before, which are none of the job's. Nor are those in this
    process's own session: the job began one of its own.
    """
    names, orphans = [], []
    for child in psutil.Process().children():
        with suppress(psutil.Error, ProcessLookupError):
            if child.pid not in others and os.getsid(child.pid) != os.getsid(0):
                orphans += [child, *child.children(recursive=True)]
    for orphan in orphans:
        with suppress(psutil.Error):
            if orphan.status() != psutil.STATUS_ZOMBIE:
                names.append(" ".join(orphan.cmdline())[:120] or orphan.name())
            orphan.kill()
    psutil.wait_procs(orphans, timeout=5)
    return tuple(names)


def _descriptor(stream: TextIO) -> int | None:
    """Return the file descriptor of a stream, flushed; None where it has none, as when a test catches it."""
    try:
        stream.flush()
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None
