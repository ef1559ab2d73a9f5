"""A progress bar on a terminal, and lines that do not tear it."""

from __future__ import annotations

import sys
from contextlib import suppress

UNHEARD = OSError, ValueError  # of a stream that is full, closed, or has nobody at its other end


class Progress:
    """Counts scenes on stderr where that is a terminal; silent otherwise, but for say()."""

    def __init__(self, scenes: int, quiet: bool) -> None:
        self._bar = None
        if not quiet and sys.stderr.isatty():
            from tqdm import tqdm  # not worth its import where nobody looks

            self._bar = tqdm(total=scenes, unit="scene", dynamic_ncols=True, leave=False)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            with suppress(*UNHEARD):
                self._bar.close()

    def update(self, scenes: int) -> None:
        if self._bar is not None:
            with suppress(*UNHEARD):
                self._bar.update(scenes)

    def say(self, message: str) -> None:
        """One line on stderr, quiet or not."""
        if self._bar is None:
            tell(message)
        else:
            with suppress(*UNHEARD):
                self._bar.write(one_line(message), file=sys.stderr)


def tell(message: str) -> None:
    """One line on stderr; where nothing takes it, the masks are made all the same."""
    with suppress(*UNHEARD):
        print(one_line(message), file=sys.stderr)


def one_line(message: str) -> str:
    """The message with what could forge another line or steer a terminal, say in a file name, escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)
