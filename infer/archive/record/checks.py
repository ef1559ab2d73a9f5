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


class BadFile(NamedTuple):
    """A file that is not its receipt's; key: of the scene, or of a unit's file; why: what is wrong."""

    unit: int
    key: str
    why: str


def bad_files(
    run: Place, receipts: Iterable[Mapping[str, Any]], sizes_only: bool = False
) -> Iterator[BadFile]:
    """Yield masks and units' files that are missing, of another size or another SHA-256 than receipts say.

    sizes_only: do not read them. Raises StoreDownError, UsageError.
    """
    named = (one for receipt in receipts for one in _named(receipt))
    with ThreadPoolExecutor(AT_ONCE, "verify") as pool:
        while some := list(islice(named, AHEAD)):
            found = pool.map(lambda one: _fault(run, one, sizes_only), some)
            for one, why in zip(some, found, strict=True):
                if why:
                    yield BadFile(one.unit, one.scene, why)


class _Named(NamedTuple):
    """A file that a receipt names. scene: whose it is, or where it lies where it is a whole unit's."""

    unit: int
    scene: str
    what: str
    key: str
    size: int
    sha256: str


def _named(receipt: Mapping[str, Any]) -> Iterator[_Named]:
    for entry in receipt["scenes"]:
        if entry["mask"]:
            yield _Named(
                receipt["unit"], entry["key"], "mask", entry["mask"], entry["bytes"], entry["sha256"]
            )
    for name, what in (("vectors", "file of polygons"), ("stac", "file of STAC items")):
        if extra := receipt.get(name):
            yield _Named(receipt["unit"], extra["key"], what, extra["key"], extra["bytes"], extra["sha256"])


def _fault(run: Place, named: _Named, sizes_only: bool) -> str | None:
    if sizes_only:
        facts = run.head(named.key)
        if facts is None:
            return f"its {named.what} is missing"
        return (
            None if facts.size == named.size else f"its {named.what} has {facts.size} bytes, not {named.size}"
        )
    try:
        content = run.read(named.key)
    except MissingError:
        return f"its {named.what} is missing"
    return None if hashlib.sha256(content).hexdigest() == named.sha256 else f"its {named.what} is another one"


def redo(run: Place, receipts: Iterable[Mapping[str, Any]], states: frozenset[str]) -> int:
    """Have the units done again that hold a scene of one of the states; return how many units these are."""
    units = [
        receipt["unit"]
        for receipt in receipts
        if any(entry["status"] in states for entry in receipt["scenes"])
    ]
    drop(run, units)
    return len(units)
