"""The items of a unit as one stac-geoparquet: ten million scenes are not ten million small files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from infer.archive.stac import packages

if TYPE_CHECKING:
    import pystac


def write_items(items: Iterable[pystac.Item]) -> bytes:
    """Return a stac-geoparquet 1.0 (GeoParquet 1.1, zstd); equal items give equal bytes.

    Raises ValueError for no item, as a table without rows has no columns: such a unit gets no table.
    Raises UsageError without the packages.
    """
    arrow = packages.stac_arrow()
    rows = [item.to_dict(include_self_link=False, transform_hrefs=False) for item in items]
    if not rows:
        raise ValueError("no item: a unit without items has no table")
    with TemporaryDirectory(prefix="stac-") as folder:
        path = Path(folder, "items.parquet")
        reader = arrow.parse_stac_items_to_arrow(rows, drop_invalid_properties=False)
        arrow.to_parquet(reader, path, compression="zstd")
        return path.read_bytes()


def read_items(table: bytes) -> list[pystac.Item]:
    """Return the items of such a table, equal to those written; in the same order."""
    arrow, stac = packages.stac_arrow(), packages.pystac()
    import pyarrow
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(pyarrow.BufferReader(table))
    return [stac.Item.from_dict(_as_json(row)) for row in arrow.stac_table_to_items(rows)]


def _as_json(row: Any) -> dict[str, Any]:
    """Make the row what was written: JSON's own types, times as pystac writes them, no field that it lacks.

    A table has every column for every row. Null is a value of datetime alone: `mask_item` writes no other.
    """
    from pystac.utils import datetime_to_str, str_to_datetime

    item: dict[str, Any] = json.loads(json.dumps(row, default=lambda value: value.tolist()))
    properties = {
        name: value for name, value in item["properties"].items() if value is not None or name == "datetime"
    }
    for name in ("start_datetime", "end_datetime"):
        if name in properties:
            properties[name] = datetime_to_str(str_to_datetime(properties[name]))
    return {**item, "properties": properties}
