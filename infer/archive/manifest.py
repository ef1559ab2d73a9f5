"""The manifest: which scenes a run has and which unit each belongs to, frozen when the run is planned."""

from __future__ import annotations

import hashlib
import io
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

from infer.archive.objects.ordered import OrderedListing, OrderedScene
from infer.archive.objects.place import ObjectFacts, Place
from infer.errors import MissingError, UsageError

DONE = "manifest/done.json"
SUFFIXES = (".tif", ".tiff")
ROWS = 100_000  # of a part
PER_UNIT, BIG = 64, 64 * 2**20  # scenes; bytes of one that has a unit of its own


class Planned(NamedTuple):
    """How many scenes and units a run has; units are numbered from 0."""

    scenes: int
    units: int


class Wanted(NamedTuple):
    """A scene of a unit. size: bytes, 0 where a list did not say. refused: why it gets no mask, or None."""

    key: str
    etag: str | None
    size: int
    refused: str | None


class Unit(NamedTuple):
    """Scenes that are done together, in the order of the bytes of their keys."""

    number: int
    scenes: tuple[Wanted, ...]


def plan(
    source: Place,
    run: Place,
    per_unit: int = PER_UNIT,
    big: int = BIG,
    names: Iterable[ObjectFacts] | None = None,
) -> Planned:
    """Write the manifest of a run; where it stands already, check that the scenes are still the same.

    Scenes are objects ending .tif or .tiff in any case, but not those of a run that lies in the source.
    per_unit: scenes of a unit at most. big: bytes above which a scene is a unit. names: the scenes, None
    for all that the source lists. Raises UsageError where there is no scene, where scenes have changed
    since they were planned, and where packages are missing.
    """
    _need_arrow("a manifest")
    inside = _below(source, run)
    every = source.list() if names is None else names
    found = (
        facts
        for facts in every
        if facts.key.lower().endswith(SUFFIXES) and not (inside and facts.key.startswith(inside))
    )
    scenes = OrderedListing(found)
    if not len(scenes):
        raise UsageError(f"no .tif or .tiff in {source}", ": give the folder or prefix that holds the scenes")
    digest = hashlib.sha256()
    rows = _rows(scenes, per_unit, big, digest)
    if _frozen(run) is None:
        parts: list[str] = []
        count = last = 0
        while some := list(islice(rows, ROWS)):
            content = _parquet(some)
            run.put(_part(len(parts)), content)
            parts.append(hashlib.sha256(content).hexdigest())
            count, last = count + len(some), some[-1][1]
        nonce = uuid.uuid4().hex
        done = {
            "nonce": nonce,
            "scenes": count,
            "units": last + 1,
            "sha256": digest.hexdigest(),
            "parts": parts,
        }
        if run.create(DONE, json.dumps(done, indent=1).encode(), nonce):
            return Planned(count, last + 1)
    for _ in rows:
        pass
    there = _frozen(run) or {}
    if there.get("sha256") != digest.hexdigest():
        reason = f"the scenes in {source} have changed since {run} was planned"
        raise UsageError(reason, ": plan them into a new {output}")
    return planned(run)


def planned(run: Place) -> Planned:
    """Return what was planned; raises UsageError where nothing was."""
    done = _done(run)
    return Planned(done["scenes"], done["units"])


def read_units(run: Place, wanted: set[int] | None = None) -> Iterator[Unit]:
    """Yield the units of a run by their number, or those that are wanted, one part of it in memory.

    Raises UsageError where none was planned, and for a manifest that is not as it was written.
    """
    _need_arrow("a manifest")
    done = _done(run)
    rows = (row for index, digest in enumerate(done["parts"]) for row in _read(run, index, digest, wanted))
    for number, group in groupby(rows, key=lambda row: row[1]):
        yield Unit(number, tuple(scene for scene, _ in group))


def listed_in(table: Path | bytes) -> Iterator[ObjectFacts]:
    """Yield the objects of a Parquet file, or its content: a column key, and maybe etag and size.

    Raises UsageError where it is no such file.
    """
    _need_arrow("a list of scenes")
    import pyarrow
    from pyarrow import parquet

    name = "the list of scenes" if isinstance(table, bytes) else str(table)
    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(table) if isinstance(table, bytes) else table)
        columns = [column for column in ("key", "etag", "size") if column in file.schema_arrow.names]
        if "key" not in columns:
            raise UsageError(f"{name} has no column key", "; write one with the key of each scene")
        for batch in file.iter_batches(columns=columns):
            for row in batch.to_pylist():
                if not isinstance(row["key"], str):
                    raise UsageError(f"{name} has a key that is no text", "; write the key of each scene")
                yield ObjectFacts(row["key"], int(row.get("size") or 0), row.get("etag"))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise UsageError(f"{name} is no Parquet file that can be read", "; write it anew") from error


def _rows(
    scenes: Iterable[OrderedScene], per_unit: int, big: int, digest: Any
) -> Iterator[tuple[OrderedScene, int]]:
    """Yield each scene with its unit, and feed its key and ETag to digest."""
    unit, inside = 0, 0
    for scene in scenes:
        facts = scene.facts
        digest.update(f"{facts.key}\0{facts.etag or ''}\n".encode())
        alone = facts.size > big
        if inside >= per_unit or (alone and inside):
            unit, inside = unit + 1, 0
        yield scene, unit
        inside = per_unit if alone else inside + 1


def _parquet(rows: list[tuple[OrderedScene, int]]) -> bytes:
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table(
        {
            "key": pyarrow.array([scene.facts.key for scene, _ in rows], pyarrow.string()),
            "etag": pyarrow.array([scene.facts.etag for scene, _ in rows], pyarrow.string()),
            "size": pyarrow.array([scene.facts.size for scene, _ in rows], pyarrow.int64()),
            "unit": pyarrow.array([unit for _, unit in rows], pyarrow.int32()),
            "refused": pyarrow.array([scene.refused for scene, _ in rows], pyarrow.string()),
        }
    )
    parquet.write_table(table, out := io.BytesIO(), compression="zstd", use_dictionary=["unit", "refused"])
    return out.getvalue()


def _read(run: Place, index: int, digest: str, wanted: set[int] | None) -> Iterator[tuple[Wanted, int]]:
    import pyarrow
    from pyarrow import compute, parquet

    try:
        content = run.read(_part(index))
    except MissingError:
        content = b""
    if hashlib.sha256(content).hexdigest() != digest:
        reason = f"{run}/{_part(index)} is not as it was planned"
        raise UsageError(reason, ": plan into a new {output}")
    table = parquet.read_table(pyarrow.BufferReader(content))
    if wanted is not None:
        table = table.filter(compute.is_in(table["unit"], pyarrow.array(sorted(wanted), pyarrow.int32())))
    for batch in table.to_batches(max_chunksize=10_000):
        columns = (batch[name].to_pylist() for name in ("key", "etag", "size", "refused"))
        yield from zip(map(Wanted, *columns), batch["unit"].to_pylist(), strict=True)


def _done(run: Place) -> dict[str, Any]:
    done = _frozen(run)
    if done is None:
        raise UsageError(f"{run} holds no manifest", "; plan it first")
    return done


def _frozen(run: Place) -> dict[str, Any] | None:
    try:
        done: dict[str, Any] = json.loads(run.read(DONE))
        return {name: done[name] for name in ("scenes", "units", "sha256", "parts")}
    except MissingError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{run}/{DONE} cannot be read", ": plan into a new {output}") from error


def _part(index: int) -> str:
    return f"manifest/part-{index:05d}.parquet"


def _below(source: Place, run: Place) -> str:
    """Return the prefix of a run's own keys in the source, empty where it lies elsewhere."""
    top, inner = (place.url if "://" in place.url else os.path.abspath(place.url) for place in (source, run))
    if top == inner:
        raise UsageError(f"{run} is the source of the scenes itself", ": take another {output}")
    start = top.rstrip("/") + "/"
    return inner[len(start) :].rstrip("/") + "/" if inner.startswith(start) else ""


def _need_arrow(what: str) -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        remedy = " (or .venv: ./run.sh setup)"
        raise UsageError(f'{what} needs the packages of the image\'s target "archive"', remedy) from error
