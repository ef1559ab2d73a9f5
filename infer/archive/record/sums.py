"""What a receipt adds up to, in the name of an empty object beside it: a listing tells how far a run is.

It is put after its receipt. One that is missing costs the time to look into the receipt. One that belongs to
a receipt which has been dropped since is known by the size of the other, and where ETags are MD5s by that.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from infer.archive.objects.place import ObjectFacts, Place, md5_of
from infer.archive.wire.facts import DEGRADED, FAILED, OK

SUMS = "sums"
STATES = OK, DEGRADED, FAILED


class UnitSum(NamedTuple):
    """size, md5: bytes and digest of the receipt. began: Unix seconds. states: scenes, in STATES' order."""

    unit: int
    size: int
    md5: str
    began: float
    seconds: float
    states: tuple[int, ...]

    @classmethod
    def of(cls, receipt: Mapping[str, Any], content: bytes) -> UnitSum:
        """Return that of a receipt, whose object has this content."""
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        states = tuple(receipt["states"].get(state, 0) for state in STATES)
        return cls(receipt["unit"], len(content), digest, receipt["began"], receipt["seconds"], states)

    @property
    def name(self) -> str:
        """Name of the object."""
        counts = "-".join(map(str, self.states))
        return f"{self.unit:08d}-{self.size}-{self.md5}-{self.began:.3f}-{self.seconds:.3f}-{counts}"

    @classmethod
    def from_name(cls, name: str) -> UnitSum:
        """Return the one of a name; raises ValueError for any other name."""
        unit, size, md5, began, seconds, *states = name.split("-")
        if len(states) != len(STATES):
            raise ValueError(name)
        return cls(int(unit), int(size), md5, float(began), float(seconds), tuple(map(int, states)))

    @property
    def is_flawless(self) -> bool:
        """Whether no scene was lost: reasons stand in the receipt alone."""
        return sum(self.states) == self.states[0]

    def is_of(self, receipt: ObjectFacts) -> bool:
        """Tell whether it belongs to the receipt that was listed, as far as its store tells."""
        md5 = md5_of(receipt.etag)
        return self.size == receipt.size and md5 in (None, self.md5)

    def glance(self) -> dict[str, Any]:
        """Return what a run adds up of the receipt."""
        states = dict(zip(STATES, self.states, strict=True))
        return {"unit": self.unit, "began": self.began, "seconds": self.seconds, "states": states, "lost": {}}


def put_sum(place: Place, receipt: Mapping[str, Any], content: bytes) -> None:
    """Put the sum of a receipt that stands."""
    place.put(f"{SUMS}/{UnitSum.of(receipt, content).name}", b"")


def read_sums(place: Place) -> dict[int, list[UnitSum]]:
    """Return all sums by their units."""
    found = defaultdict(list)
    for one in _listed(place):
        found[one.unit].append(one)
    return found


def drop_sums(place: Place, units: Iterable[int]) -> None:
    """Delete the sums of units."""
    wanted = set(units)
    for one in [one for one in _listed(place) if one.unit in wanted]:
        place.delete(f"{SUMS}/{one.name}")


def _listed(place: Place) -> Iterator[UnitSum]:
    for name in place.list_names(SUMS):
        with suppress(ValueError):  # of the user
            yield UnitSum.from_name(name)
