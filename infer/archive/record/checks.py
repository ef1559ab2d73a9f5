"""Whether what receipts say is what the store holds; and units that are to be done again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

from infer.archive.objects.place import Place
from infer.archive.record.receipts import drop
from infer.errors import MissingError

AT_ONCE = 16  # masks that are looked at
AHEAD = 256  # masks that are asked for before they are needed


class BadMask(NamedTuple):
    """A mask that is not the one of its receipt; why: what is wrong with it."""

    unit: int
    key: str
    why: str


def bad_masks(
    run: Place, receipts: Iterable[Mapping[str, Any]], sizes_only: bool = False
) -> Iterator[BadMask]:
    """Yield the masks that are missing, of another size or of another SHA-256 than their receipts say.

    sizes_only: do not read them. Raises StoreDownError, UsageError.
    """
    named = ((receipt["unit"], entry) for receipt in receipts for entry in receipt["scenes"] if entry["mask"])
    with ThreadPoolExecutor(AT_ONCE, "verify") as pool:
        while some := list(islice(named, AHEAD)):
            found = pool.map(lambda one: _fault(run, one[1], sizes_only), some)
            for (unit, entry), why in zip(some, found, strict=True):
                if why:
                    yield BadMask(unit, entry["key"], why)


def _fault(run: Place, entry: Mapping[str, Any], sizes_only: bool) -> str | None:
    if sizes_only:
        facts = run.head(entry["mask"])
        if facts is None:
            return "its mask is missing"
        return (
            None if facts.size == entry["bytes"] else f"its mask has {facts.size} bytes, not {entry['bytes']}"
        )
    try:
        content = run.read(entry["mask"])
    except MissingError:
        return "its mask is missing"
    return None if hashlib.sha256(content).hexdigest() == entry["sha256"] else "its mask is another one"


def redo(run: Place, receipts: Iterable[Mapping[str, Any]], states: frozenset[str]) -> int:
    """Have the units done again that hold a scene of one of the states; return how many units these are."""
    units = [
        receipt["unit"]
        for receipt in receipts
        if any(entry["status"] in states for entry in receipt["scenes"])
    ]
    drop(run, units)
    return len(units)
