"""Works through the units of a run on a Ray cluster, or on this machine as one: Ray schedules, no more.

What is done stands in receipts. Rows carry keys only, and there is one stage of mapping: whatever Ray loses
with a machine it does again, and finds done.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infer.archive.record.attempts import is_in_other_hands
from infer.archive.record.manifest import Unit
from infer.archive.record.receipts import read_receipt
from infer.archive.store import Place
from infer.archive.units.ray_worker import RayWorker, Row, YardUrls, ready_here, row_of
from infer.archive.units.unit import Entry
from infer.archive.units.work import LOOK_SECONDS
from infer.archive.wire.facts import MapperSettings, Ready
from infer.errors import StoreDownError, UsageError
from infer.process.image import in_image
from infer.process.progress import tell
from infer.process.signals import descendants, within
from infer.process.text import in_short

Say = Callable[[str], None]
Ended = Callable[[list[Entry]], None]
MAX_BLOCKS = 10_000  # of Ray's, each of some rows: more only cost its scheduler time
UNITS = 8  # of a row at most: one is fetched while another is mapped, and the driver hears of rows
ROWS = 4  # for each worker at least, where there are so many units: the last ones end together
CPUS = 0.5  # of a worker: it waits for its child, which uses as many threads as the machine has
END_SECONDS = 5.0
PATIENCE_SECONDS = 40.0  # until a user is told why nothing happens
CONNECT_SECONDS = 20.0  # to a cluster's port; Ray itself would try for minutes


@dataclass(frozen=True)
class RayWish:
    """What of Ray is wanted. address: of a cluster, None for this machine; gpus: of one worker."""

    address: str | None = None
    workers: int = 1
    gpus: float = 0.0


class OnRay:
    """A connection to Ray, for a `with` block.

    Raises UsageError where Ray is not to be had. heed_signals: is called when Ray has taken the signals'
    handlers, with what ends Ray.
    """

    def __init__(self, wish: RayWish, heed_signals: Callable[[Callable[[], None]], None]) -> None:
        self._wish, self._heed_signals = wish, heed_signals

    def __enter__(self) -> OnRay:
        if self._wish.address:
            _reach(self._wish.address)
        self._ray = _ray()
        self._heed_signals(self._end)
        # In the main thread it would take the signals' handlers; and what it starts ends with its thread.
        self._starter = ThreadPoolExecutor(1, "ray")
        self._starter.submit(_connect, self._ray, self._wish).result()
        return self

    def _end(self) -> None:
        """End Ray, which else leaves processes behind for a minute; who stops us may not wait for long."""
        if self._wish.address is None:
            started = descendants()
            within(END_SECONDS, self._ray.shutdown)
            for pid in {*started, *descendants()}:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def __exit__(self, *_: object) -> None:
        self._starter.submit(self._ray.shutdown).result()
        self._starter.shutdown()

    def ready(self, settings: MapperSettings) -> Ready:
        """Return what a mapper computes with on a worker, which need not be what this machine has."""
        wish, ray = self._wish, self._ray
        if wish.address is None and wish.gpus > ray.cluster_resources().get("GPU", 0):
            reason = f"this machine has no {wish.gpus:g} GPUs for a worker"
            raise UsageError(reason, ": ask for fewer with {gpus_per_worker}")
        on_a_worker = ray.remote(num_cpus=CPUS, num_gpus=wish.gpus, max_retries=-1)(ready_here)
        try:
            coming = on_a_worker.remote(settings)
            if not ray.wait([coming], timeout=PATIENCE_SECONDS)[0]:
                tell(f"archive: waiting for a machine with {CPUS:g} CPUs and {wish.gpus:g} GPUs to spare")
            answer = ray.get(coming)
        except self._ray.exceptions.RayError as error:
            raise _failed(error) from None
        if "unusable" in answer:
            raise UsageError(answer["unusable"])
        return Ready(**answer["ready"])

    def work(
        self,
        urls: YardUrls,
        run: Place,
        units: list[Unit],
        say: Say,
        ended: Ended,
    ) -> None:
        """Work through units; what Work takes and raises. run: the place of urls.run."""
        while units:
            left: set[int] = set()
            for answer in map(json.loads, self._answers(urls, units)):
                for line in answer["said"]:
                    say(line)
                if answer["entries"]:
                    ended(answer["entries"])
                if answer["down"]:
                    raise StoreDownError(answer["down"])
                if answer["unusable"]:
                    raise UsageError(answer["unusable"])
                left.update(answer["left"])
            units = _once_free(run, [unit for unit in units if unit.number in left], say, ended)

    def _answers(self, urls: YardUrls, units: list[Unit]) -> Iterator[str]:
        """Yield the answers of workers, as they come."""
        data = importlib.import_module("ray.data")
        context = data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        wish, rows = self._wish, _rows(units, self._wish.workers)
        worker: Any = RayWorker
        pool = data.ActorPoolStrategy(size=min(wish.workers, len(rows)))  # starts its actors again, for ever
        blocks = min(len(rows), MAX_BLOCKS)
        mapped = data.from_items(rows, override_num_blocks=blocks).map(
            worker, fn_constructor_args=[urls], compute=pool, num_cpus=CPUS, num_gpus=wish.gpus or None
        )
        try:
            yield from (row["answer"] for row in mapped.iter_rows())
        except self._ray.exceptions.RayError as error:
            raise _failed(error) from None


def _rows(units: list[Unit], workers: int) -> list[Row]:
    size = max(1, min(UNITS, len(units) // (ROWS * workers)))
    return [row_of(units[start : start + size]) for start in range(0, len(units), size)]


def _once_free(run: Place, units: list[Unit], say: Say, ended: Ended) -> list[Unit]:
    """Return which of the units are still to be done, as soon as one of them is in nobody's hands.

    The driver waits, not a worker: that would hold a machine for it.
    """
    waiting = 0
    while units := [unit for unit in units if not _is_done(run, unit, ended)]:
        if not all(is_in_other_hands(run, unit.number) for unit in units):
            break
        if len(units) != waiting:
            say(f"archive: {len(units)} units are in other hands: waiting for them")
        waiting = len(units)
        time.sleep(LOOK_SECONDS)
    return units


def _is_done(run: Place, unit: Unit, ended: Ended) -> bool:
    if receipt := read_receipt(run, unit.number):
        ended(receipt["scenes"])
    return receipt is not None


def _ray() -> Any:
    """Return Ray's module, of few words."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_SCHEDULER_EVENTS", "0")  # lines about workers that have not started yet
    try:
        ray = importlib.import_module("ray")
    except ImportError:
        reason = 'Ray needs the packages of the image\'s target "archive"'
        raise UsageError(reason, " (or .venv: ./run.sh setup)") from None
    for name in ("ray", "ray._private.worker"):  # whose handlers for signals we do not want
        logging.getLogger(name).setLevel(logging.ERROR)
    return ray


def _connect(ray: Any, wish: RayWish) -> None:
    """Connect to a cluster, or to one that Ray makes of this machine; raises UsageError."""
    checkout = {"env_vars": {"PYTHONPATH": str(Path(__file__).parents[3])}}  # an image finds it by itself
    try:
        ray.init(
            wish.address,
            num_cpus=None if wish.address else max(1, wish.workers),
            include_dashboard=None if wish.address else False,
            runtime_env={} if in_image() else checkout,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise UsageError(f"{_no_cluster(wish.address)}: {in_short(error)}", _HOW) from None


_HOW = ": start one (ray start --head), or give its address"


def _reach(address: str) -> None:
    """Try the port of an address, where it names one."""
    host, found, port = address.rpartition("://")[2].rpartition(":")
    if not (found and port.isdecimal()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"{_no_cluster(address)}: {why}", _HOW) from None


def _no_cluster(address: str | None) -> str:
    return f"no Ray cluster at {address}" if address else "Ray does not start on this machine"


def _failed(error: Exception) -> UsageError:
    reason = f"Ray has given up: {type(error).__name__}: {in_short(error)}"
    return UsageError(reason, ": what is done stands; mend the cluster and start the same command again")
