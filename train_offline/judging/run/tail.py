"""What a job prints: shown as it comes as far as anyone would read, its end kept, the rest only counted."""

from __future__ import annotations

import os
import threading
from typing import IO

SHOWN = 32 * 1024  # bytes of each stream that go to the terminal
KEPT = 8 * 1024  # bytes of its end that are kept
CHUNK = 64 * 1024


class Tail(threading.Thread):
    """Reads a pipe to its end, so that a job that prints megabytes neither stops nor fills the memory."""

    def __init__(self, pipe: IO[bytes], show_on: int | None) -> None:
        """show_on: the file descriptor that what is read goes to; None for nowhere."""
        super().__init__(daemon=True)
        self.bytes = 0
        self._kept = b""
        self._pipe, self._show_on = pipe, show_on
        self.start()

    def run(self) -> None:
        """Read until nobody holds the other end any more."""
        while chunk := os.read(self._pipe.fileno(), CHUNK):
            self._show(chunk)
            self.bytes += len(chunk)
            self._kept = (self._kept + chunk)[-KEPT:]

    def lines(self, count: int) -> list[str]:
        """Return the last `count` lines, without control characters."""
        text = self._kept.decode("utf-8", "replace").replace("\r", "\n")
        lines = ["".join(c for c in line if c.isprintable()) for line in text.splitlines()]
        return [line for line in lines if line.strip()][-count:]

    def _show(self, chunk: bytes) -> None:
        if self._show_on is None or self.bytes >= SHOWN:
            return
        room = SHOWN - self.bytes
        shown = chunk[:room] + (b"\n... (more, not shown)\n" if len(chunk) >= room else b"")
        try:
            os.write(self._show_on, shown)
        except OSError:
            self._show_on = None  # nobody reads it any more
