"""A mapper as a process: started, heard and ended by its supervisor."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from infer.archive.wire.facts import MapperSettings

ROOT = (
    Path(__file__).resolve().parents[3]
)  # of the package: `-m` finds it there, whatever the caller's folder


class MapperProcess:
    """A mapper that is starting. Its lines, and at last its exit code, are what `next` returns.

    One thread starts it, hears it and waits for it: the kernel ends it with the thread that has started it,
    and a caller's own may be of a pool.
    """

    def __init__(self, settings: MapperSettings) -> None:
        """Start it; raises OSError where that cannot be done."""
        self._heard: queue.Queue[dict[str, Any] | int] = queue.Queue()
        self._outbox: queue.Queue[bytes | None] = queue.Queue()
        started: queue.Queue[subprocess.Popen[bytes] | OSError] = queue.Queue()
        threading.Thread(target=self._keep, args=[started], name="mapper", daemon=True).start()
        process = started.get()
        if isinstance(process, OSError):
            raise process
        self._process = process
        self.send(settings.line())

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def send(self, line: dict[str, Any]) -> None:
        """Give it a line; one that it never reads, because it hangs or has died, holds nobody up."""
        self._outbox.put(json.dumps(line).encode() + b"\n")

    def next(self, seconds: float) -> dict[str, Any] | int | None:
        """Return its next line, or its exit code (negative: the signal that killed it); None: nothing."""
        try:
            return self._heard.get(timeout=seconds)
        except queue.Empty:
            return None

    def has_ended(self) -> bool:
        """Tell whether it is no more."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End it, and wait until it has ended."""
        self._process.kill()
        self._process.wait()

    def _keep(self, started: queue.Queue[subprocess.Popen[bytes] | OSError]) -> None:
        command = [sys.executable, "-m", "infer.archive.mapper", str(os.getpid())]
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, start_new_session=True
            )
        except OSError as error:
            started.put(error)
            return
        started.put(process)
        assert process.stdin is not None
        assert process.stdout is not None
        threading.Thread(target=self._tell, args=[process.stdin], name="to mapper", daemon=True).start()
        for line in process.stdout:
            with suppress(ValueError):  # a crash has cut it short
                self._heard.put(json.loads(line))
        self._heard.put(process.wait())
        self._outbox.put(None)

    def _tell(self, pipe: IO[bytes]) -> None:
        with suppress(OSError), pipe:  # it has died, which `next` tells
            while (line := self._outbox.get()) is not None:
                pipe.write(line)
                pipe.flush()
