"""What a unit leaves in the store beside its masks: one file of polygons, one of STAC items."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infer.archive.stac.items import ItemFacts, NoItemError, ScenePlace, mask_item
from infer.archive.stac.table import write_items
from infer.archive.wire.facts import Mapped
from infer.process.text import in_short
from infer.settings import GEOPARQUET
from infer.write.vectors.layer import Layer

if TYPE_CHECKING:
    from infer.archive.units.unit import Entry, FetchedUnit, Yard

VECTORS, STAC = "vectors", "stac"
Extra = dict[str, Any]  # of a receipt: key, bytes and sha256 of a file of its unit


def put_vectors(yard: Yard, here: FetchedUnit, mapped: list[Mapped]) -> Extra:
    """Put the polygons of all scenes of a unit as one GeoParquet, with none too, and return what it is.

    Raises OSError for a disk that takes nothing or loses what it took, StoreDownError, UsageError.
    """
    key = f"{VECTORS}/{here.unit.number:08d}.parquet"
    with Layer(here.folder, GEOPARQUET) as layer:
        for local, one in zip(here.scenes, mapped, strict=True):
            if one.has_polygons and local.polygons:
                layer.add_batches(local.key, _batches(local.polygons))
        return _put(yard, key, layer.finish().read_bytes())


def _batches(path: Path) -> Iterator[Any]:
    import pyarrow

    try:
        with pyarrow.ipc.open_stream(path) as stream:
            yield from stream
    except pyarrow.ArrowException as error:
        raise OSError(f"the polygons in {path.name} cannot be read: {in_short(error)}") from error


def put_items(
    yard: Yard, facts: ItemFacts, here: FetchedUnit, mapped: list[Mapped], entries: dict[str, Entry]
) -> Extra | None:
    """Put the STAC items of a unit as one table, and return what it is; None where no scene has an item.

    Why a scene has none is added to its notes. Raises StoreDownError and UsageError.
    """
    items = []
    for local, one in zip(here.scenes, mapped, strict=True):
        entry, place = entries[local.key], ScenePlace(**(one.place or {"footprint": None}))
        try:
            items.append(mask_item(entry, f"{yard.source.url.rstrip('/')}/{local.key}", facts, place))
        except NoItemError as error:
            entry["notes"].append(error.reason)
    if not items:
        return None
    return _put(yard, f"{STAC}/{here.unit.number:08d}.parquet", write_items(items))


def _put(yard: Yard, key: str, content: bytes) -> Extra:
    yard.run.put(key, content)
    return {"key": key, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
