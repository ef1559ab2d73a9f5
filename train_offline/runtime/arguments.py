"""Types of arguments for argparse: numbers within bounds, and what the message says of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path


def path(text: str) -> Path:
    """Read a path, for argparse; an empty one is refused."""
    if not text:
        raise argparse.ArgumentTypeError("is empty, not a path")
    return Path(text)


def whole_number(at_least: int = 0, at_most: int | None = None) -> Callable[[str], int]:
    """Return an argparse type: a whole number within bounds."""
    bounds = f"of at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = at_least - 1
        if value < at_least or (at_most is not None and value > at_most):
            raise argparse.ArgumentTypeError(f"must be a whole number {bounds}, not {text!r}")
        return value

    return read


def number(
    *,
    above: float | None = None,
    at_least: float = 0.0,
    below: float | None = None,
    at_most: float | None = None,
) -> Callable[[str], float]:
    """Return an argparse type: a finite number within bounds, `above` and `below` themselves excluded."""
    lower = f"of at least {at_least:g}" if above is None else f"above {above:g}"
    upper = "" if below is None else f" and below {below:g}"
    upper += "" if at_most is None else f" and at most {at_most:g}"

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        inside = value > above if above is not None else value >= at_least
        inside = inside and value < (float("inf") if below is None else below)
        if not inside or (at_most is not None and value > at_most):
            raise argparse.ArgumentTypeError(f"must be a number {lower}{upper}, not {text!r}")
        return value

    return read


COUNT = whole_number(1)
POSITIVE = number(above=0)
AMOUNT = number(at_least=0)
SHARE = number(at_least=0, at_most=1)  # of a whole, nothing and all of it included
FRACTION = number(at_least=0, below=1)  # of what must not become all
PART = number(above=0, below=1)  # of what must leave something on both sides
