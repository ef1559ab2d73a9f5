"""Attempts at units: who has one in hand, and how often it was begun, on all machines together.

An attempt shows signs of life for as long as it lasts. Only those without any count against a unit: of many
machines at the end of a run each may want the last unit, and none of them has failed.
"""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from typing import Any, NamedTuple

from infer.archive.objects.place import Place
from infer.errors import MissingError

ATTEMPTS = "attempts"
BEAT_SECONDS = 60.0  # between two signs of life
ALIVE_SECONDS = 300.0  # after the last one, which leaves room for clocks that differ and stores that are slow


class Attempt(NamedTuple):
    """One attempt at a unit; number from 1, nonce of this attempt alone."""

    unit: int
    number: int
    nonce: str

    @property
    def key(self) -> str:
        """Where it stands in the run."""
        return f"{_folder(self.unit)}/{self.number:04d}"


def begin(place: Place, unit: int, nonce: str) -> Attempt:
    """Take the next number of an attempt at a unit."""
    number = 1 + max(map(int, _names(place, unit)), default=0)
    while not place.create(Attempt(unit, number, nonce).key, _content(nonce, time.time()), nonce):
        number += 1
    return Attempt(unit, number, nonce)


def beat(place: Place, attempt: Attempt) -> None:
    """Show that an attempt goes on."""
    place.put(attempt.key, _content(attempt.nonce, time.time()))


def end(place: Place, attempt: Attempt) -> None:
    """Let nobody wait for an attempt that has ended without a receipt."""
    place.put(attempt.key, _content(attempt.nonce, 0.0))


def withdraw(place: Place, attempt: Attempt) -> None:
    """Let an attempt not have been: it was stopped on purpose, and that is no fault of its unit."""
    place.delete(attempt.key)


def is_in_other_hands(place: Place, unit: int) -> bool:
    """Tell whether somebody is at work on a unit, as far as signs of life show."""
    for name in _names(place, unit):
        with suppress(MissingError, ValueError):
            attempt: Any = json.loads(place.read(f"{_folder(unit)}/{name}"))
            if not isinstance(attempt, dict):
                continue
            recent = time.time() - float(attempt.get("beat", 0.0)) < ALIVE_SECONDS
            if recent and not _has_died_here(str(attempt.get("worker", ""))):
                return True
    return False


def worker() -> str:
    """Return what names this process among those of all machines and containers."""
    pids = ""
    with suppress(OSError):  # some sandboxes do not say
        pids = os.readlink("/proc/self/ns/pid")
    return f"{socket.gethostname()} {pids} {os.getpid()}"


def _has_died_here(name: str) -> bool:
    """Tell whether a worker was a process of this very machine and is no more: nobody need wait for that."""
    where, _, pid = name.rpartition(" ")
    here, _, _ = worker().rpartition(" ")
    return where == here and ":" in here and pid.isdecimal() and not _lives(int(pid))


def _lives(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and whose parent has not asked for it does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _content(nonce: str, beat: float) -> bytes:
    return json.dumps({"nonce": nonce, "worker": worker(), "beat": beat}).encode()


def _names(place: Place, unit: int) -> list[str]:
    return list(filter(str.isdecimal, place.list_names(_folder(unit))))


def _folder(unit: int) -> str:
    return f"{ATTEMPTS}/{unit:08d}"
