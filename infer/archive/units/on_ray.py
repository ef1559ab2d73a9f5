"""Works through the units of a run on a Ray cluster, or on this machine as one: Ray schedules, no more.

What is done stands in receipts. Rows carry keys only, there is one stage of mapping, and an actor raises
nothing: a task that fails would be tried for ever, fail all, or go missing in silence, as its settings say.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infer.archive.child import Child
from infer.archive.record.manifest import Unit, Wanted
from infer.archive.store import open_place
from infer.archive.units.unit import Entry, Yard
from infer.archive.units.work import Work
from infer.archive.wire.facts import MapperSettings, Ready
from infer.errors import StoreDownError, UsageError
from infer.process.image import in_image

MAX_BLOCKS = 10_000  # of Ray's, each of some units: what is lost with a machine is what its blocks held
CPUS = 0.5  # of an actor: it waits for its child, which uses as many threads as the machine has
SOME = 1000  # reasons that a row carries at most


@dataclass(frozen=True)
class RayWish:
    """What of Ray is wanted. address: of a cluster, None for this machine; gpus: of one worker."""

    address: str | None = None
    workers: int = 1
    gpus: float = 0.0


@dataclass(frozen=True)
class YardUrls:
    """A Yard and the mapper's settings, as they pass between machines. ready: what must compute there."""

    source: str
    run: str
    suffix: str
    pictures: bool
    timeout_s: float
    settings: MapperSettings
    ready: Ready


class RayUnitWorker:
    """An actor: one mapper, for as long as its machine lives."""

    def __init__(self, urls: YardUrls) -> None:
        self._urls, self._said = urls, list[str]()
        source, run = (open_place(url, urls.timeout_s, self._said.append) for url in (urls.source, urls.run))
        self._yard = Yard(source, run, urls.suffix, urls.pictures)
        self._child = Child(urls.settings, self._said.append)
        self._root = Path(tempfile.mkdtemp(prefix="sea-ice-archive-"))

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Do a unit; the row says what became of its scenes, or what has made that impossible."""
        unit = Unit(row["unit"], tuple(Wanted(*scene) for scene in json.loads(row["scenes"])))
        entries: list[Entry] = []
        answer: dict[str, Any] = {"down": "", "unusable": ""}
        try:
            if (ready := self._child.start()) != self._urls.ready:
                raise UsageError(f"a worker computes with {ready.made_by}, not {self._urls.ready.made_by}")
            Work(self._yard, self._child, self._root, self._said.append, entries.extend).all([unit])
        except StoreDownError as error:
            answer["down"] = str(error)
        except UsageError as error:
            answer["unusable"] = str(error)
        except Exception as error:  # of any kind: see above; the driver ends with it
            answer["unusable"] = f"a worker failed: {type(error).__name__}: {error}"
        said, self._said[:] = self._said[:SOME], []
        told = [{name: entry[name] for name in ("key", "status", "error")} for entry in entries]
        return {**answer, "said": json.dumps(said), "entries": json.dumps(told)}

    def __del__(self) -> None:
        self._child.close()
        shutil.rmtree(self._root, ignore_errors=True)


def work_on_ray(
    urls: YardUrls,
    wish: RayWish,
    units: Iterable[Unit],
    say: Callable[[str], None],
    ended: Callable[[list[Entry]], None],
) -> None:
    """Work through units; what Work takes and raises. Raises UsageError too where Ray is not to be had."""
    rows = [{"unit": unit.number, "scenes": json.dumps(unit.scenes)} for unit in units]
    if not rows:
        return
    for row in _mapped(rows, urls, wish):
        for line in json.loads(row["said"]):
            say(line)
        if entries := json.loads(row["entries"]):
            ended(entries)
        if row["down"]:
            raise StoreDownError(row["down"])
        if row["unusable"]:
            raise UsageError(row["unusable"])


def _mapped(rows: list[dict[str, Any]], urls: YardUrls, wish: RayWish) -> Iterator[dict[str, Any]]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError:
        reason = 'Ray needs the packages of the image\'s target "archive"'
        raise UsageError(reason, " (or .venv: ./run.sh setup)") from None
    checkout = {"env_vars": {"PYTHONPATH": str(Path(__file__).parents[3])}}  # an image finds it by itself
    try:
        ray.init(
            wish.address,
            num_cpus=None if wish.address else max(1, wish.workers),
            include_dashboard=False,
            runtime_env={} if in_image() else checkout,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = f"no Ray cluster at {wish.address or 'this machine'}: {error}".splitlines()[0]
        raise UsageError(reason, ": give its {address}, or start it") from None
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        worker: Any = RayUnitWorker  # which Ray makes, and calls row by row
        blocks = min(len(rows), MAX_BLOCKS)
        pool = ray.data.ActorPoolStrategy(size=wish.workers)  # which starts its actors again, for ever
        mapped = ray.data.from_items(rows, override_num_blocks=blocks).map(
            worker, fn_constructor_args=[urls], compute=pool, num_cpus=CPUS, num_gpus=wish.gpus or None
        )
        yield from mapped.iter_rows()
    finally:
        ray.shutdown()
