"""What the command-line programs of this package share: a user's mistake is one line and exit code 2."""

from __future__ import annotations

import argparse
import io
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from infer.errors import UsageError
from infer.process.signals import not_ignored
from train_offline.runtime.arguments import path

STOPS = (signal.SIGTERM, signal.SIGHUP)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose complaint is a UsageError, so that it is printed like every other one.

    A path must not be empty, as from a variable of the shell that is not set: Path("") is the current folder.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.register("type", Path, path)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(f"{message} (see --help)")

    @property
    def flags(self) -> dict[str, str]:
        """The flag of each setting that this program has."""
        options = ((action.dest, action.option_strings) for action in self._actions)
        return {setting: strings[0] for setting, strings in options if strings}


class _Stopped(KeyboardInterrupt):
    """SIGTERM or SIGHUP, raised like Ctrl-C so that children and temporary folders are cleared away."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def run(prog: str, work: Callable[[], int | None], parser: Parser | None = None) -> int:
    """Return the exit code of `work`: 2, with one line on stderr, for a UsageError or an OSError.

    130 for Ctrl-C, 143 for SIGTERM, 129 where the terminal is gone. parser: remedies name its flags only.
    Warnings, which libraries address to programmers, are shown by `python -W` or PYTHONWARNINGS only.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for names that are no UTF-8
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
        return _run(prog, work, parser)


def _run(prog: str, work: Callable[[], int | None], parser: Parser | None) -> int:
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it logs what it raises, which is said here
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *STOPS)}
    for number in not_ignored(*before):
        signal.signal(number, _stop if number in STOPS else signal.default_int_handler)
    try:
        return work() or 0
    except UsageError as error:
        say(f"{prog}: {error.line(parser.flags) if parser else error}")
        return 2
    except BrokenPipeError:  # whoever read what is printed has gone, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except UnicodeEncodeError as error:
        say(f"{prog}: {error.object!r}: a name that is not UTF-8; rename the file")
        return 2
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
    """Write a line to stderr, where there still is one: the terminal may be what has gone."""
    with suppress(OSError):
        print(line, file=sys.stderr)


def _stop(number: int, _: object) -> None:
    raise _Stopped(number)
