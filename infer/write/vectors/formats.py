"""Polygons in the forms that others read: GeoPackage, GeoParquet 1.1, GeoJSON (RFC 7946)."""

from __future__ import annotations

import errno
import json
import math
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from infer.write.vectors.draft import locked

DECIMALS = 9  # of degrees in GeoJSON: a tenth of a millimetre
MAX_ROW_GROUP = 50_000
# The draft vanishes on any error: no journal need lie beside it.
GPKG_OPTIONS = {"OGR_SQLITE_JOURNAL": "OFF", "OGR_SQLITE_SYNCHRONOUS": "OFF"}


class Summary(NamedTuple):
    """What metadata say of many geometries; bounds: west, south, east, north in degrees."""

    number: int = 0
    bounds: tuple[float, float, float, float] = (math.inf, math.inf, -math.inf, -math.inf)
    types: frozenset[str] = frozenset()

    @classmethod
    def of(cls, geometries: np.ndarray) -> Summary:
        """Return that of shapely geometries, object [N]."""
        import shapely

        if not len(geometries):
            return cls()
        west, south, east, north = map(float, shapely.total_bounds(geometries))
        types = frozenset(geometry.geom_type for geometry in geometries)
        return cls(len(geometries), (west, south, east, north), types)

    @classmethod
    def union(cls, summaries: Iterable[Summary]) -> Summary:
        """Return that of all of them together."""
        number, (west, south, east, north), types = cls()
        for other in summaries:
            number += other.number
            west, south = min(west, other.bounds[0]), min(south, other.bounds[1])
            east, north = max(east, other.bounds[2]), max(north, other.bounds[3])
            types |= other.types
        return cls(number, (west, south, east, north), types)


def write_gpkg(path: Path, batches: Iterator[Any], summary: Summary) -> None:
    """Write a GeoPackage with the layer "ice" of MultiPolygons; raises OSError."""
    import pyarrow
    import pyogrio
    import shapely

    def all_multi() -> Iterator[Any]:
        for batch in batches:
            geometries = shapely.from_wkb(np.asarray(batch["geometry"].to_pylist(), object))
            single = shapely.get_type_id(geometries) == shapely.GeometryType.POLYGON
            geometries[single] = shapely.multipolygons(geometries[single, None])
            wkb = pyarrow.array(shapely.to_wkb(geometries, byte_order=1), pyarrow.binary())
            yield pyarrow.RecordBatch.from_arrays([*batch.columns[:-1], wkb], schema=schema)

    schema = _schema()
    reader = pyarrow.RecordBatchReader.from_batches(schema, _locking(path, all_multi()))
    options = {name: pyogrio.get_gdal_config_option(name) for name in GPKG_OPTIONS}
    pyogrio.set_gdal_config_options(GPKG_OPTIONS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a draft's name does not end in .gpkg
            pyogrio.write_arrow(
                reader, path, layer="ice", driver="GPKG", geometry_name="geometry",
                geometry_type="MultiPolygon", crs="EPSG:4326",
            )  # fmt: skip
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, RuntimeError) as error:
        raise OSError(errno.EIO, f"GDAL cannot write it: {error}", str(path)) from error
    finally:
        pyogrio.set_gdal_config_options(options)


def _locking(path: Path, batches: Iterator[Any]) -> Iterator[Any]:
    """Pass batches on and keep the file locked: GDAL has put one of its own in the place of the draft."""
    with locked(path):
        yield from batches


def write_geoparquet(path: Path, batches: Iterator[Any], summary: Summary) -> None:
    """Write GeoParquet 1.1 with the bounds of every polygon in the column "bbox"; raises OSError."""
    import pyarrow
    import shapely
    from pyarrow.parquet import ParquetWriter

    corners = ("xmin", "ymin", "xmax", "ymax")
    bbox = pyarrow.struct([(corner, pyarrow.float64()) for corner in corners])
    schema = _schema().append(pyarrow.field("bbox", bbox))
    schema = schema.with_metadata({"geo": json.dumps(geo_metadata(summary))})

    def with_bounds(batch: Any) -> Any:
        bounds = shapely.bounds(shapely.from_wkb(np.asarray(batch["geometry"].to_pylist(), object)))
        boxes = pyarrow.StructArray.from_arrays([pyarrow.array(side) for side in bounds.T], names=corners)
        return pyarrow.RecordBatch.from_arrays([*batch.columns, boxes], schema=schema)

    with ParquetWriter(path, schema, compression="zstd") as writer:
        waiting: list[Any] = []  # small scenes share a row group
        for batch in batches:
            if waiting and sum(map(len, waiting)) + len(batch) > MAX_ROW_GROUP:
                writer.write_table(pyarrow.Table.from_batches(waiting))
                waiting = []
            waiting.append(with_bounds(batch))
        if waiting:
            writer.write_table(pyarrow.Table.from_batches(waiting))


def geo_metadata(summary: Summary) -> dict[str, Any]:
    """Return the value of a GeoParquet file's key "geo": https://geoparquet.org/releases/v1.1.0/."""
    from pyproj import CRS

    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted(summary.types),
        "crs": CRS.from_epsg(4326).to_json_dict(),  # x is the longitude whatever its axes say
        "orientation": "counterclockwise",
        "edges": "planar",
        "covering": {"bbox": {corner: ["bbox", corner] for corner in ("xmin", "ymin", "xmax", "ymax")}},
    }
    if summary.number:
        column["bbox"] = list(summary.bounds)
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}


def write_geojson(path: Path, batches: Iterator[Any], summary: Summary) -> None:
    """Write a FeatureCollection, a feature a line; raises OSError."""
    import shapely

    bounds = (
        f'"bbox": {json.dumps([round(side, DECIMALS) for side in summary.bounds])},\n'
        if summary.number
        else ""
    )
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'{{"type": "FeatureCollection",\n{bounds}"features": [')
        before = "\n"
        for batch in batches:
            wkb = np.asarray(batch["geometry"].to_pylist(), object)
            rounded = shapely.transform(shapely.from_wkb(wkb), lambda xy: np.round(xy, DECIMALS))
            rows = batch.drop_columns(["geometry"]).to_pylist()
            for properties, geometry in zip(rows, shapely.to_geojson(rounded), strict=True):
                named = json.dumps(properties, ensure_ascii=False)
                file.write(f'{before}{{"type": "Feature", "properties": {named}, "geometry": {geometry}}}')
                before = ",\n"
        file.write("\n]}\n")


def _schema() -> Any:
    import pyarrow

    return pyarrow.schema(
        [
            ("scene", pyarrow.string()),
            ("area_m2", pyarrow.float64()),
            ("area_px", pyarrow.int64()),
            ("geometry", pyarrow.binary()),
        ]
    )
