"""What the command-line programs of this package share: a user's mistake is one line and exit code 2."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable

from infer.settings import UsageError


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose complaint is a UsageError, so that it is printed like every other one."""

    def error(self, message: str) -> None:
        raise UsageError(f"{message} (see --help)")


def run(prog: str, work: Callable[[], int | None]) -> int:
    """Exit code of `work`; a UsageError becomes one line on stderr and exit code 2."""
    logging.getLogger("tifffile").setLevel(
        logging.CRITICAL
    )  # what it logs is raised as well, and said once here
    try:
        return work() or 0
    except UsageError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 2


def positive(kind: type[int] | type[float]) -> Callable[[str], int | float]:
    """An argparse type: a number of this kind above zero."""

    def read(text: str) -> int | float:
        try:
            number = kind(text)
        except ValueError:
            number = 0
        if not 0 < number < float("inf"):
            what = "whole number" if kind is int else "number"
            raise argparse.ArgumentTypeError(f"must be a {what} above zero, not {text!r}")
        return number

    return read
