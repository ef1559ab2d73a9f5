"""Receipts: a unit is done when its receipt stands; attempts bound how often it is tried."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Any

from infer.archive.objects.place import Place
from infer.errors import MissingError

RECEIPTS, ATTEMPTS = "receipts", "attempts"
AHEAD = 1024  # receipts that are read before they are asked for


def begin_attempt(place: Place, unit: int, nonce: str) -> int:
    """Take the next number of an attempt at a unit, 1 for the first; nonce: of this attempt alone."""
    folder = f"{ATTEMPTS}/{unit:08d}"
    number = 1 + max(map(int, filter(str.isdecimal, place.list_names(folder))), default=0)
    while not place.create(f"{folder}/{number:04d}", json.dumps({"nonce": nonce}).encode(), nonce):
        number += 1
    return number


def commit(place: Place, receipt: dict[str, Any]) -> bool:
    """Write the receipt of a unit where none stands; return whether the one that stands there is this one."""
    return place.create(_key(receipt["unit"]), json.dumps(receipt).encode(), receipt["nonce"])


def needs(place: Place, unit: int) -> bool:
    """Return whether a unit has no receipt yet."""
    return place.head(_key(unit)) is None


def done_units(place: Place) -> set[int]:
    """Return the numbers of the units that have a receipt."""
    return set(_numbers(place))


def read_receipts(place: Place, threads: int = 16) -> Iterator[dict[str, Any]]:
    """Yield all receipts, in any order; one that is deleted meanwhile is left out."""
    with ThreadPoolExecutor(threads) as pool:
        numbers = _numbers(place)
        while some := list(islice(numbers, AHEAD)):
            yield from filter(None, pool.map(lambda unit: _read(place, unit), some))


def drop(place: Place, units: Iterable[int]) -> None:
    """Have units done again: their attempts go first and the receipt last: a break leaves them done."""
    for unit in units:
        folder = f"{ATTEMPTS}/{unit:08d}"
        for name in list(place.list_names(folder)):
            place.delete(f"{folder}/{name}")
        place.delete(_key(unit))


def _read(place: Place, unit: int) -> dict[str, Any] | None:
    with suppress(MissingError):
        receipt: dict[str, Any] = json.loads(place.read(_key(unit)))
        return receipt
    return None


def _numbers(place: Place) -> Iterator[int]:
    names = (name.removesuffix(".json") for name in place.list_names(RECEIPTS) if name.endswith(".json"))
    return (int(name) for name in names if name.isdecimal())


def _key(unit: int) -> str:
    return f"{RECEIPTS}/{unit:08d}.json"
