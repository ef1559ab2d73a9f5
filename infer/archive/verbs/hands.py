"""Who computes: a mapper of this machine, or workers on Ray."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from infer.archive.child import Child
from infer.archive.record.manifest import Unit
from infer.archive.units.on_ray import OnRay, RayWish
from infer.archive.units.ray_worker import YardUrls
from infer.archive.units.unit import Entry, Yard
from infer.archive.units.work import Work
from infer.archive.verbs.arguments import ArchiveArguments
from infer.archive.wire.facts import MapperSettings, Ready
from infer.process.files import drop_scratch, scratch_folder
from infer.process.signals import leave_on_signals, within

Say = Callable[[str], None]
Ended = Callable[[list[Entry]], None]
WITHDRAW_SECONDS = 2.0
STOPPED = "archive: stopped: what has a receipt is done; the same call makes the rest"


class Hands(Protocol):
    """What computes, for a `with` block."""

    @property
    def ready(self) -> Ready:
        """With what it computes."""

    def work(self, yard: Yard, units: list[Unit], say: Say, ended: Ended) -> None:
        """Work through units; what Work takes and raises."""

    def __enter__(self) -> Hands: ...

    def __exit__(self, *_: object) -> None: ...


def hands_of(arguments: ArchiveArguments, settings: MapperSettings) -> Hands:
    """Return what the arguments ask for; raises UsageError for unusable weights, GPU or cluster."""
    own = arguments.own
    if own.address is None and own.workers is None and not own.gpus_per_worker:
        return _Here(settings)
    return _OnRay(settings, RayWish(own.address, own.workers or 1, own.gpus_per_worker), own.store_timeout)


class _Here:
    """One mapper of this machine."""

    def __init__(self, settings: MapperSettings) -> None:
        self._child = Child(settings)

    def __enter__(self) -> _Here:
        self.ready = self._child.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close()

    def work(self, yard: Yard, units: list[Unit], say: Say, ended: Ended) -> None:
        root = scratch_folder("sea-ice-archive")
        work = Work(yard, self._child, root, say, ended)

        def leave() -> None:
            within(WITHDRAW_SECONDS, work.withdraw)  # a store may be down, and who stops us does not wait
            drop_scratch(root)

        leave_on_signals(STOPPED, leave)
        try:
            work.all(units)
        finally:
            drop_scratch(root)


class _OnRay:
    """Workers on a cluster, or on this machine as one."""

    def __init__(self, settings: MapperSettings, wish: RayWish, timeout_s: float) -> None:
        self._settings, self._timeout_s = settings, timeout_s
        self._ray = OnRay(wish, partial(leave_on_signals, STOPPED))

    def __enter__(self) -> _OnRay:
        self._ray.__enter__()
        try:
            self.ready = self._ray.ready(self._settings)
        except BaseException:
            self._ray.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.__exit__()

    def work(self, yard: Yard, units: list[Unit], say: Say, ended: Ended) -> None:
        source, run = yard.source, yard.run
        urls = YardUrls(
            source.url,
            run.url,
            yard.suffix,
            yard.pictures,
            yard.vector,
            yard.stac,
            self._timeout_s,
            self._settings,
            self.ready,
        )
        self._ray.work(urls, run, units, say, ended)
