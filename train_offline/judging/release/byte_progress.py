"""How far a copy of many bytes is: a bar on a terminal, else a line every few seconds."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

from tqdm import tqdm

LINE_SECONDS, BAR_SECONDS = 10.0, 1.0


class ByteProgress:
    """Shown on stderr while it is open; a thread of its own keeps it alive where no bytes come."""

    def __init__(self, title: str, total: int, line_seconds: float = LINE_SECONDS) -> None:
        """title: begins each line. total: bytes, about."""
        self._title, self._total, self._bytes = title, total, 0
        self._began, self._ended = time.monotonic(), threading.Event()
        self._first = self._began  # when the first bytes came, from which the rate counts
        self._bar = tqdm(total=total, desc=title, unit="B", unit_scale=True, disable=None, leave=False)
        self._every = line_seconds if self._bar.disable else BAR_SECONDS
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> ByteProgress:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._bar.close()

    def add(self, count: int) -> None:
        """Count so many bytes more."""
        if not self._bytes:
            self._first = time.monotonic()
        self._bytes += count
        if not self._bar.disable:
            self._bar.total = max(self._total, self._bytes)  # the total is but a guess
            self._bar.update(count)

    def _tell(self) -> None:
        while not self._ended.wait(self._every):
            if self._bar.disable:
                print(self._line(), file=sys.stderr, flush=True)
            else:
                self._bar.refresh()

    def _line(self) -> str:
        now = time.monotonic()
        seconds = now - self._began
        if not self._bytes:
            return f"{self._title}: docker gathers the layers, {seconds:.0f} s"
        rate = self._bytes / max(now - self._first, 1e-3) / 1e6
        done = f"{self._bytes / 1e9:.2f} of about {self._total / 1e9:.2f} GB"
        return f"{self._title}: {done} in {seconds:.0f} s, {rate:.0f} MB/s"
