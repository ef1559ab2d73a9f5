"""Works through the units of a run on this machine: fetches the next one while this one is mapped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from infer.archive.child import Child
from infer.archive.record.manifest import Unit
from infer.archive.record.receipts import needs
from infer.archive.unit import Entry, FetchedUnit, UnitFailedError, Yard, fetch_unit, finish
from infer.archive.wire.facts import Mapped

Done = TypeVar("Done")


@dataclass(frozen=True)
class Shard:
    """One of `count` workers that share the units of a run; index from 0."""

    index: int = 0
    count: int = 1

    def has(self, unit: int) -> bool:
        """Tell whether a unit is this worker's."""
        return unit % self.count == self.index


def left(units: Iterable[Unit], done: set[int], shard: Shard) -> Iterator[Unit]:
    """Yield a shard's units that have no receipt."""
    return (unit for unit in units if shard.has(unit.number) and unit.number not in done)


class Work:
    """Units with one mapper, from fetching to their receipts.

    A unit that fails through no fault of its scenes is tried again after the others, as often as all machines
    together may. say: is told in one line of what did not go at once.
    """

    def __init__(
        self,
        yard: Yard,
        child: Child,
        root: Path,
        say: Callable[[str], None],
        ended: Callable[[list[Entry]], None],
    ) -> None:
        """root: a local folder for what is fetched; ended: is told the entries of each receipt."""
        self._yard, self._child, self._root, self._say, self._ended = yard, child, root, say, ended
        self._again: list[Unit] = []

    def all(self, units: Iterable[Unit]) -> None:
        """Work through units; raises StoreDownError, and UsageError for what only the user can mend."""
        self._once(units)
        while self._again:
            units, self._again = self._again, []
            self._once(units)

    def _once(self, units: Iterable[Unit]) -> None:
        with ThreadPoolExecutor(1, "fetch") as ahead, ThreadPoolExecutor(1, "finish") as behind:
            going: Future[None] | None = None
            for here in _one_ahead(ahead, self._fetch, units):
                if here is None:
                    continue
                mapped = self._child.map(here.scenes)
                if going:
                    going.result()
                going = behind.submit(self._finish, here, mapped)
            if going:
                going.result()

    def _fetch(self, unit: Unit) -> FetchedUnit | None:
        if not needs(self._yard.run, unit.number):  # another machine has done it meanwhile
            return None
        try:
            return fetch_unit(self._yard, unit, self._root)
        except UnitFailedError as error:
            self._try_again(unit, error)
            return None

    def _finish(self, here: FetchedUnit, mapped: list[Mapped]) -> None:
        try:
            receipt = finish(self._yard, here, mapped)
        except UnitFailedError as error:
            self._try_again(here.unit, error)
            return
        finally:
            shutil.rmtree(here.folder, ignore_errors=True)
        if receipt:
            self._ended(receipt["scenes"])

    def _try_again(self, unit: Unit, error: UnitFailedError) -> None:
        self._say(f"archive: unit {unit.number}: {error}: trying it again later")
        self._again.append(unit)


def _one_ahead(pool: ThreadPoolExecutor, do: Callable[[Unit], Done], units: Iterable[Unit]) -> Iterator[Done]:
    """Yield what `do` makes of each unit, while the pool does the next one."""
    coming: Future[Done] | None = None
    for unit in units:
        following = pool.submit(do, unit)
        if coming:
            yield coming.result()
        coming = following
    if coming:
        yield coming.result()
