"""What runs on each worker of a Ray cluster: one mapper, for as long as its machine lives.

A worker raises nothing: a task that fails would be tried for ever, fail all, or go missing in silence, as
Ray's settings say. It waits for nobody either: what is in other hands goes back to the driver.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from infer.archive.child import Child
from infer.archive.record.manifest import Unit, Wanted
from infer.archive.stac.items import ItemFacts
from infer.archive.store import open_place
from infer.archive.units.unit import Entry, Yard
from infer.archive.units.work import Work
from infer.archive.wire.facts import MapperSettings, Ready
from infer.errors import StoreDownError, UsageError
from infer.process.files import drop_scratch, scratch_folder

Row = dict[str, Any]
SOME = 1000  # lines that a row carries at most


@dataclass(frozen=True)
class YardUrls:
    """A Yard and the mapper's settings, as they pass between machines. ready: what must compute there."""

    source: str
    run: str
    suffix: str
    pictures: bool
    vector: bool
    stac: ItemFacts | None
    timeout_s: float
    settings: MapperSettings
    ready: Ready


class RayWorker:
    """An actor that Ray makes and calls row by row; a row is some units, and says what became of them."""

    def __init__(self, urls: YardUrls) -> None:
        self._urls, self._said = urls, list[str]()
        self._child = Child(urls.settings, self._said.append)
        self._root = scratch_folder("sea-ice-archive")

    def __call__(self, row: Row) -> Row:
        """Do the units of a row.

        Return their entries, the units that were left, what was said, and what has made going on impossible:
        "down", a store that does not answer, or "unusable", what only the user can mend; else empty.
        """
        units, entries, left = units_of(row), list[Entry](), list[Unit]()
        down = unusable = ""
        try:
            left = self._work(entries).once(units)
        except StoreDownError as error:
            down = str(error)
        except UsageError as error:
            unusable = str(error)
        except Exception as error:  # of any kind: see above; the driver ends with it
            unusable = f"a worker failed: {type(error).__name__}: {error}"
        said, self._said[:] = self._said[:SOME], []
        told = [{name: entry[name] for name in ("key", "status", "error")} for entry in entries]
        answer = {"entries": told, "left": [unit.number for unit in left], "said": said}
        return {"answer": json.dumps({**answer, "down": down, "unusable": unusable})}

    def _work(self, entries: list[Entry]) -> Work:
        urls = self._urls
        source, run = (open_place(url, urls.timeout_s, self._said.append) for url in (urls.source, urls.run))
        if (ready := self._child.start()) != urls.ready:
            reason = f"a worker computes with {ready.made_by}, not with {urls.ready.made_by} as planned"
            raise UsageError(reason, ": have all workers of one kind")
        yard = Yard(source, run, urls.suffix, urls.pictures, urls.vector, urls.stac)
        return Work(yard, self._child, self._root, self._said.append, entries.extend)

    def __del__(self) -> None:
        self._child.close()
        drop_scratch(self._root)


def row_of(units: list[Unit]) -> Row:
    """Return units as what Ray carries: strings, whose types no block has to agree on."""
    return {"units": json.dumps([(unit.number, unit.scenes) for unit in units])}


def units_of(row: Row) -> list[Unit]:
    """Return the units of a row."""
    return [
        Unit(number, tuple(Wanted(*scene) for scene in scenes)) for number, scenes in json.loads(row["units"])
    ]


def ready_here(settings: MapperSettings) -> Row:
    """Start a mapper and return what it computes with, or why it does not; raises nothing."""
    try:
        with Child(settings) as child:
            return {"ready": asdict(child.start())}
    except (UsageError, OSError) as error:
        return {"unusable": str(error)}
