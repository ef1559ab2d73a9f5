"""A progress bar on a terminal, and lines that do not tear it."""

from __future__ import annotations

import sys


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
            self._bar.close()

    def update(self, scenes: int) -> None:
        if self._bar is not None:
            self._bar.update(scenes)

    def say(self, message: str) -> None:
        """One line on stderr, quiet or not."""
        if self._bar is None:
            print(one_line(message), file=sys.stderr)
        else:
            self._bar.write(one_line(message), file=sys.stderr)


def one_line(message: str) -> str:
    """The message with what could forge another line or steer a terminal, say in a file name, escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)
