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
            print(message, file=sys.stderr)
        else:
            self._bar.write(message, file=sys.stderr)
