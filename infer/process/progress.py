"""A progress bar on a terminal, a line now and then elsewhere, and lines that do not tear the bar."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress

from infer.process.text import one_line

UNHEARD = OSError, ValueError  # of a stream that is full, closed, or has nobody at its other end
SECONDS_BETWEEN_LINES = 10.0  # so that a run that somebody ends for its time leaves a trace of where it was


class Progress:
    """Counts scenes on stderr: as a bar on a terminal, else as a line every ten seconds; not with `quiet`."""

    def __init__(self, scenes: int, quiet: bool) -> None:
        self._scenes, self._done, self._degraded, self._before = scenes, 0, 0, 0
        self._bar = None
        self._end = threading.Event()
        if quiet:
            return
        if sys.stderr.isatty():
            from tqdm import tqdm  # not worth its import where nobody looks

            self._bar = tqdm(total=scenes, unit="scene", dynamic_ncols=True, leave=False)
        else:
            threading.Thread(target=self._tell_now_and_then, name="progress", daemon=True).start()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self._bar is not None:
            with suppress(*UNHEARD):
                self._bar.close()

    def begin_at(self, scenes: int) -> None:
        """Count so many scenes as done already; they are no part of the rate."""
        self._before = scenes
        self.update(scenes)

    def update(self, scenes: int, degraded: int = 0) -> None:
        """Count so many more scenes as done, with so many degraded ones among them."""
        self._done += scenes
        self._degraded += degraded
        if self._bar is not None:
            with suppress(*UNHEARD):
                self._bar.update(scenes)

    def say(self, message: str) -> None:
        """Print one line on stderr, quiet or not."""
        if self._bar is None:
            tell(message)
        else:
            with suppress(*UNHEARD):
                self._bar.write(one_line(message), file=sys.stderr)

    def _tell_now_and_then(self) -> None:
        began = time.monotonic()
        while not self._end.wait(SECONDS_BETWEEN_LINES):
            rate = (self._done - self._before) / (time.monotonic() - began)
            tell(
                f"infer: {self._done} of {self._scenes} scenes, {self._degraded} degraded, "
                f"{rate:.2f} scenes/s, {time.monotonic() - began:.0f} s"
            )


def say(text: str) -> bool:
    """Print on stdout; return whether anybody takes it. Nobody does behind a pipe such as `| head -1`."""
    try:
        print(text, flush=True)
    except UNHEARD:
        with suppress(*UNHEARD):  # what is left in the buffer would be a complaint of Python's at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def tell(message: str) -> None:
    """Print one line on stderr; where nothing takes it, the masks are made all the same."""
    with suppress(*UNHEARD):
        print(one_line(message), file=sys.stderr, flush=True)
