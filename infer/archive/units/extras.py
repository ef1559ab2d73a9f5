"""What a unit leaves in the store beside its masks: one file of polygons, one of STAC items."""

from __future__ import annotations

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


def put_vectors(yard: Yard, here: FetchedUnit, mapped: list[Mapped]) -> str:
    """Put the polygons of all scenes of a unit as one GeoParquet, with none too, and return its key.

    Raises OSError for a disk that takes nothing or loses what it took, StoreDownError, UsageError.
    """
    key = f"{VECTORS}/{here.unit.number:08d}.parquet"
    with Layer(here.folder, GEOPARQUET) as layer:
        for local, one in zip(here.scenes, mapped, strict=True):
            if one.has_polygons and local.polygons:
                layer.add_batches(local.key, _batches(local.polygons))
        yard.run.put(key, layer.finish())
    return key


def _batches(path: Path) -> Iterator[Any]:
    import pyarrow

    try:
        with pyarrow.ipc.open_stream(path) as stream:
            yield from stream
    except pyarrow.ArrowException as error:
        raise OSError(f"the polygons in {path.name} cannot be read: {in_short(error)}") from error


def put_items(
    yard: Yard, facts: ItemFacts, here: FetchedUnit, mapped: list[Mapped], entries: dict[str, Entry]
) -> str | None:
    """Put the STAC items of a unit as one table, and return its key; None where no scene has an item.

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
    key = f"{STAC}/{here.unit.number:08d}.parquet"
    yard.run.put(key, write_items(items))
    return key
