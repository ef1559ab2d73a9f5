"""Works through the units of a run on this machine: fetches the next one while this one is mapped."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TypeVar

from infer.archive.child import Child
from infer.archive.record.attempts import BEAT_SECONDS, Attempt, beat, begin, end, is_in_other_hands, withdraw
from infer.archive.record.manifest import Unit
from infer.archive.record.receipts import read_receipt
from infer.archive.units.unit import Entry, FetchedUnit, UnitFailedError, Yard, fetch_unit, finish
from infer.archive.wire.facts import Mapped
from infer.errors import SeaIceError

LOOK_SECONDS = 3.0  # between looks whether units in other hands are done
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
        """root: a local folder for what is fetched.

        ended: is told the entries of each unit's receipt, whoever has written it, by any thread.
        """
        self._yard, self._child, self._root, self._say, self._ended = yard, child, root, say, ended
        self._again: list[Unit] = []
        self._elsewhere: list[Unit] = []
        self._in_hand: dict[int, Attempt] = {}
        self._broken = False

    def all(self, units: Iterable[Unit]) -> None:
        """Work through units; raises StoreDownError, and UsageError for what only the user can mend.

        Units that are in other hands come last, and are waited for: they may be dropped there.
        """
        waiting = 0
        while left := self.once(units):
            if not self._again:
                if len(left) != waiting:
                    self._say(f"archive: {len(left)} units are in other hands: waiting for them")
                waiting = len(left)
                time.sleep(LOOK_SECONDS)
            units = left

    def once(self, units: Iterable[Unit]) -> list[Unit]:
        """Work through units and return which are to be tried again, or are in other hands; raises as all."""
        self._again, self._elsewhere = [], []
        end = Event()
        with ThreadPoolExecutor(1, "beat") as heart:
            beating = heart.submit(self._beat, end)
            try:
                self._once(units)
            finally:
                end.set()
            beating.result()
        return [*self._again, *self._elsewhere]

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

    def withdraw(self) -> None:
        """Let the attempts in hand not have been: this process is stopped on purpose. Raises nothing."""
        for attempt in list(self._in_hand.values()):
            with suppress(SeaIceError):
                withdraw(self._yard.run, attempt)

    def _fetch(self, unit: Unit) -> FetchedUnit | None:
        run = self._yard.run
        if self._broken:  # the one before it has failed for good: no reason to wait once more
            return None
        try:
            if receipt := read_receipt(run, unit.number):  # another machine has done it meanwhile
                self._ended(receipt["scenes"])
                return None
            if is_in_other_hands(run, unit.number):
                self._elsewhere.append(unit)
                return None
            attempt = self._in_hand[unit.number] = begin(run, unit.number, uuid.uuid4().hex)
            try:
                return fetch_unit(self._yard, unit, attempt, self._root)
            except UnitFailedError as error:
                self._try_again(unit, error)
                return None
        except BaseException:
            self._broken = True
            raise

    def _finish(self, here: FetchedUnit, mapped: list[Mapped]) -> None:
        try:
            receipt = finish(self._yard, here, mapped)
        except UnitFailedError as error:
            self._try_again(here.unit, error)
            return
        finally:
            shutil.rmtree(here.folder, ignore_errors=True)
        self._in_hand.pop(here.unit.number)
        if receipt := receipt or read_receipt(self._yard.run, here.unit.number):
            self._ended(receipt["scenes"])

    def _try_again(self, unit: Unit, error: UnitFailedError) -> None:
        self._say(f"archive: unit {unit.number}: {error}: trying it again later")
        end(self._yard.run, self._in_hand.pop(unit.number))
        self._again.append(unit)

    def _beat(self, end: Event) -> None:
        """Show signs of life of the units in hand until the end; a store that is down is another's news."""
        while not end.wait(BEAT_SECONDS):
            for attempt in list(self._in_hand.values()):
                with suppress(SeaIceError):
                    beat(self._yard.run, attempt)


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
