"""Receipts: a unit is done when its receipt stands."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Any

from infer.archive.objects.place import ObjectFacts, Place
from infer.archive.record.attempts import ATTEMPTS
from infer.archive.record.sums import drop_sums, put_sum, read_sums
from infer.archive.wire.facts import OK
from infer.errors import MissingError, UsageError

RECEIPTS = "receipts"
HEAD_BYTES = 4096  # of a receipt, in which a glance looks for what stands before its scenes
SCENES = ', "scenes": ['  # in JSON these quotes stand in no text
Read = Callable[[Place, int], "dict[str, Any] | None"]
AHEAD = 1024  # receipts that are read before they are asked for


def receipt_of(facts: dict[str, Any], entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a receipt: facts, what its scenes add up to, and the scenes, in this order.

    lost: how many there are for each reason, as "state: reason".
    """
    states = Counter(entry["status"] for entry in entries)
    lost = Counter(f"{entry['status']}: {entry['error']}" for entry in entries if entry["status"] != OK)
    return {**facts, "states": dict(states), "lost": dict(lost), "scenes": entries}


def commit(place: Place, receipt: dict[str, Any]) -> bool:
    """Write the receipt of a unit where none stands; return whether the one that stands there is this one."""
    content = json.dumps(receipt).encode()
    stands = place.create(_key(receipt["unit"]), content, receipt["nonce"])
    if stands:
        put_sum(place, receipt, content)
    return stands


def done_units(place: Place) -> set[int]:
    """Return the numbers of the units that have a receipt."""
    return set(_numbers(place))


def read_receipts(place: Place, threads: int = 16) -> Iterator[dict[str, Any]]:
    """Yield all receipts, in any order; one that is deleted meanwhile is left out."""
    return _each(_numbers(place), place, read_receipt, threads)


def _each(numbers: Iterator[int], place: Place, read: Read, threads: int) -> Iterator[dict[str, Any]]:
    with ThreadPoolExecutor(threads) as pool:
        while some := list(islice(numbers, AHEAD)):
            yield from filter(None, pool.map(lambda unit: read(place, unit), some))


def read_receipt(place: Place, unit: int) -> dict[str, Any] | None:
    """Return the receipt of a unit; None while it has none."""
    with suppress(MissingError):
        return _parsed(place, unit, place.read(_key(unit)))
    return None


def glance_at_receipts(place: Place, threads: int = 32) -> Iterator[dict[str, Any]]:
    """Yield of all receipts what a run adds up, in any order: "began", "seconds", "states" and "lost".

    Those whose sums stand beside them are not even opened, but for the reasons of lost scenes.
    """
    sums, unknown = read_sums(place), list[int]()
    for unit, facts in _listed(place):
        known = [one for one in sums.get(unit, ()) if one.is_of(facts)]
        if len(known) == 1 and known[0].is_flawless:
            yield known[0].glance()
        else:
            unknown.append(unit)
    yield from _each(iter(unknown), place, _glance, threads)


def _glance(place: Place, unit: int) -> dict[str, Any] | None:
    with suppress(MissingError):
        start, found, _ = place.read_start(_key(unit), HEAD_BYTES).decode(errors="replace").partition(SCENES)
        if not found:  # many long reasons
            return read_receipt(place, unit)
        return _parsed(place, unit, f"{start}}}".encode())
    return None


def _parsed(place: Place, unit: int, content: bytes) -> dict[str, Any]:
    try:
        receipt: dict[str, Any] = json.loads(content)
    except ValueError as error:
        reason = f"{place}/{_key(unit)} is no receipt"
        raise UsageError(reason, ": delete it, and run again, which makes its unit anew") from error
    return receipt


def drop(place: Place, units: Iterable[int]) -> None:
    """Have units done again: sums and attempts go first and the receipt last: a break leaves them done."""
    units = list(units)
    if units:
        drop_sums(place, units)
    for unit in units:
        folder = f"{ATTEMPTS}/{unit:08d}"
        for name in list(place.list_names(folder)):
            place.delete(f"{folder}/{name}")
        place.delete(_key(unit))


def _numbers(place: Place) -> Iterator[int]:
    return (unit for unit, _ in _listed(place))


def _listed(place: Place) -> Iterator[tuple[int, ObjectFacts]]:
    for facts in place.list(RECEIPTS):
        name = facts.key[len(RECEIPTS) + 1 :]
        if name.endswith(".json") and name.removesuffix(".json").isdecimal():
            yield int(name.removesuffix(".json")), facts


def _key(unit: int) -> str:
    return f"{RECEIPTS}/{unit:08d}.json"
