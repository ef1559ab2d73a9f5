"""What the command-line programs of this package share: a user's mistake is one line and exit code 2."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from infer.settings import UsageError

STOPS = (signal.SIGTERM, signal.SIGHUP)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose complaint is a UsageError, so that it is printed like every other one."""

    def error(self, message: str) -> None:
        raise UsageError(f"{message} (see --help)")


class _Stopped(KeyboardInterrupt):
    """SIGTERM or SIGHUP, raised like Ctrl-C so that children and temporary folders are cleared away."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def run(prog: str, work: Callable[[], int | None]) -> int:
    """Exit code of `work`; in one line on stderr: 2 for a UsageError or a file that cannot be used.

    130 for Ctrl-C, 143 for SIGTERM, 129 where the terminal is gone.
    """
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it logs what it raises, which is said here
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *STOPS)}
    for number in STOPS:
        if before[number] is not signal.SIG_IGN:  # as under nohup: the caller's wish
            signal.signal(number, _stop)
    if before[signal.SIGINT] is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return work() or 0
    except UsageError as error:
        say(f"{prog}: {error}")
        return 2
    except BrokenPipeError:  # whoever read what is printed has gone, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say(f"{prog}: {where}{error.strerror or error}")
        return 2
    except KeyboardInterrupt as interrupt:
        say(f"{prog}: stopped")
        return 128 + (interrupt.number if isinstance(interrupt, _Stopped) else signal.SIGINT)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def say(line: str) -> None:
    """A line on stderr, where there still is one: the terminal may be what has gone."""
    with suppress(OSError):
        print(line, file=sys.stderr)


def _stop(number: int, _: object) -> None:
    raise _Stopped(number)


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
