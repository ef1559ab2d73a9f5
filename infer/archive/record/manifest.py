"""The manifest: which scenes a run has, each in its unit; frozen when the run is planned."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from infer.archive.objects.place import ObjectFacts, Place
from infer.errors import MissingError, UsageError

if TYPE_CHECKING:
    import pyarrow

MANIFEST = "manifest"
DONE = f"{MANIFEST}/done.json"
PER_UNIT = 64  # scenes
BIG = 64 * 2**20  # bytes: a scene of more has a unit of its own
ROWS = 100_000  # scenes of a part, or a few less: no unit is in two parts
CHUNK = 50_000  # objects of a listing that are Python's at once
SUFFIX = r"(?i)\.tiff?$"


class Wanted(NamedTuple):
    """A scene as it was listed. size: bytes. refused: why it gets no mask, None where it gets one."""

    key: str
    etag: str | None
    size: int
    refused: str | None


class Unit(NamedTuple):
    """Scenes that are mapped together, and done together."""

    number: int
    scenes: tuple[Wanted, ...]


class Planned(NamedTuple):
    """How many scenes and units a run has, how many of the scenes are refused, in how many parts."""

    scenes: int
    units: int
    refused: int
    parts: int


def plan(
    objects: Iterable[ObjectFacts], source: Place, run: Place, per_unit: int = PER_UNIT, big: int = BIG
) -> Planned:
    """Write the manifest of all scenes among the objects that a source has listed, in any order.

    A run that has one keeps it if it says the same. Raises UsageError where it does not, and for no scene.
    """
    return freeze(scenes_of(objects, source), source, run, per_unit, big)


def scenes_of(objects: Iterable[ObjectFacts], source: Place) -> pyarrow.Table:
    """Return key, etag and size of the scenes among objects, in order; raises UsageError for none."""
    table = _sorted(objects)
    if not len(table):
        raise UsageError(f"no .tif or .tiff in {source}", ": give the folder or prefix that holds the scenes")
    return table


def freeze(
    table: pyarrow.Table, source: Place, run: Place, per_unit: int = PER_UNIT, big: int = BIG
) -> Planned:
    """Write the manifest of scenes_of's table; see plan."""
    units = _units(table["size"].to_numpy(), per_unit, big)
    refused = _refused(table)
    digest = hashlib.sha256()
    cuts = _cuts(units)
    for part, (start, stop) in enumerate(cuts):
        content = _part(table.slice(start, stop - start), units[start:stop], refused, start)
        digest.update(content)
        if run.head(DONE) is None:  # frozen since
            run.put(_part_key(part), content)
    planned = Planned(len(table), int(units[-1]) + 1, len(refused), len(cuts))
    nonce = digest.hexdigest()
    done = json.dumps({"nonce": nonce, **planned._asdict()}).encode()
    if not run.create(DONE, done, nonce):
        reason = f"{run} was planned for other scenes than {source} holds now"
        raise UsageError(reason, ": go on with its own manifest, or plan into another folder")
    return planned


def planned_of(run: Place) -> Planned:
    """Return what a run's manifest holds; raises UsageError where there is none."""
    try:
        facts: dict[str, Any] = json.loads(run.read(DONE))
        return Planned(*(int(facts[name]) for name in Planned._fields))
    except MissingError:
        raise UsageError(f"{run} is not planned", "; plan it first") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{run}/{DONE} is no manifest", "; plan into an empty folder") from error


def read_units(run: Place, planned: Planned) -> Iterator[Unit]:
    """Yield the units of a run by their numbers, one part in memory at a time."""
    import pyarrow.parquet

    for part in range(planned.parts):
        table = pyarrow.parquet.read_table(io.BytesIO(run.read(_part_key(part))))
        columns = [table[name].to_pylist() for name in ("unit", *Wanted._fields)]
        for number, rows in groupby(zip(*columns, strict=True), key=itemgetter(0)):
            yield Unit(number, tuple(Wanted(*row[1:]) for row in rows))


def _sorted(objects: Iterable[ObjectFacts]) -> pyarrow.Table:
    """Return key, etag and size of the scenes, those that ask for one mask side by side."""
    import pyarrow
    import pyarrow.compute as pc

    schema = pyarrow.schema(
        [("key", pyarrow.string()), ("etag", pyarrow.string()), ("size", pyarrow.int64())]
    )
    chunks, objects = [], iter(objects)
    while some := list(islice(objects, CHUNK)):
        batch = pyarrow.table(
            [[one.key for one in some], [one.etag for one in some], [one.size for one in some]], schema
        )
        chunks.append(batch.filter(pc.match_substring_regex(batch["key"], SUFFIX)))
    table = pyarrow.concat_tables([schema.empty_table(), *chunks])
    stems = pc.replace_substring_regex(table["key"], SUFFIX, "")
    order = pc.sort_indices(
        table.select(["key"]).append_column("stem", stems), [("stem", "ascending"), ("key", "ascending")]
    )
    table = table.take(order)
    if len(table) < 2:
        return table
    again = pc.equal(table["key"].slice(1), table["key"].slice(0, len(table) - 1)).combine_chunks()
    return table.filter(pyarrow.concat_arrays([pyarrow.array([True]), pc.invert(again)]))  # lists may repeat


def _refused(table: pyarrow.Table) -> dict[int, str]:
    """Return by their rows why scenes get no mask: one of two that ask for the same mask."""
    import pyarrow.compute as pc

    if len(table) < 2:
        return {}
    stems = pc.replace_substring_regex(table["key"], SUFFIX, "")
    same = pc.equal(stems.slice(1), stems.slice(0, len(stems) - 1)).to_numpy()
    refused: dict[int, str] = {}
    owner = ""
    for row in np.flatnonzero(same).tolist():
        if row not in refused:
            owner = table["key"][row].as_py()
        refused[row + 1] = f"its mask belongs to {owner}: rename one of them"
    return refused


def _units(sizes: np.ndarray, per_unit: int, big: int) -> np.ndarray:
    """Return the number of the unit of each scene, int32 [N], rising."""
    numbers = np.empty(len(sizes), np.int32)
    unit, held = -1, per_unit
    for row, is_big in enumerate((sizes > big).tolist()):
        if is_big or held >= per_unit:
            unit, held = unit + 1, 0
        held = per_unit if is_big else held + 1
        numbers[row] = unit
    return numbers


def _cuts(units: np.ndarray) -> list[tuple[int, int]]:
    """Return the rows of each part, from and to."""
    cuts, start = [], 0
    while start < len(units):
        stop = min(start + ROWS, len(units))
        if stop < len(units):
            stop = int(np.searchsorted(units, units[stop]))
            stop = stop if stop > start else int(np.searchsorted(units, units[start], "right"))
        cuts.append((start, stop))
        start = stop
    return cuts


def _part(table: pyarrow.Table, units: np.ndarray, refused: dict[int, str], start: int) -> bytes:
    import pyarrow
    import pyarrow.parquet

    why = [refused.get(row) for row in range(start, start + len(table))] if refused else [None] * len(table)
    whole = table.append_column("unit", pyarrow.array(units)).append_column(
        "refused", pyarrow.array(why, pyarrow.string())
    )
    file = io.BytesIO()
    pyarrow.parquet.write_table(whole.combine_chunks(), file, compression="zstd")
    return file.getvalue()


def _part_key(part: int) -> str:
    return f"{MANIFEST}/part-{part:05d}.parquet"
