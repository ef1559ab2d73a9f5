"""One file for a folder, read again by other libraries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rasterio")
import pyarrow.parquet
import pyogrio
import pyproj
import shapely
from affine import Affine

from infer.errors import UsageError
from infer.write.vectors.layer import Layer
from infer.write.vectors.polygons import Polygons, ice_polygons

FORMS = ("gpkg", "geoparquet", "geojson")


def _ice(crs: int | None, transform: Affine | None, seed: int = 0) -> Polygons:
    mask = (np.random.default_rng(seed).random((20, 20)) < 0.6).astype(np.uint8) * 255
    return ice_polygons(mask, crs, transform)


@pytest.fixture(scope="module")
def scenes() -> dict[str, Polygons]:
    return {
        "c ä.tif": _ice(32633, Affine(10, 0, 3e5, 0, -10, 8.5e6)),
        "a.tif": _ice(3413, Affine(250, 0, -2600, 0, -250, 2600), 1),  # holds the pole
        "b.tif": _ice(4326, Affine(0.01, 0, 179.9, 0, -0.01, 80), 2),  # crosses 180 degrees
        "plain.tif": _ice(None, None),
    }


def _written(folder: Path, form: str, scenes: dict[str, Polygons]) -> Path:
    with Layer(folder, form) as layer:
        for name, polygons in scenes.items():
            layer.add(name, polygons)
        assert layer.without_coordinates == ("plain.tif" in scenes)
        return layer.finish()


def _rows(path: Path) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    if path.suffix == ".parquet":
        table = pyarrow.parquet.read_table(path)
        names, areas, pixels = (table[name].to_pylist() for name in ("scene", "area_m2", "area_px"))
        return names, np.array(areas), np.array(pixels), shapely.from_wkb(table["geometry"].to_numpy())
    meta, _, geometry, fields = pyogrio.raw.read(path)
    columns = dict(zip(meta["fields"], fields, strict=True))
    return list(columns["scene"]), columns["area_m2"], columns["area_px"], shapely.from_wkb(geometry)


@pytest.mark.parametrize("form", FORMS)
def test_all_polygons_stand_in_the_file_by_scene(
    tmp_path: Path, form: str, scenes: dict[str, Polygons]
) -> None:
    path = _written(tmp_path, form, scenes)
    names, areas, pixels, geometries = _rows(path)
    placed = {name: scenes[name] for name in sorted(scenes) if name != "plain.tif"}
    assert names == [name for name, polygons in placed.items() for _ in range(len(polygons))]
    np.testing.assert_allclose(areas, np.concatenate([p.area_m2 for p in placed.values()]))
    assert pixels.tolist() == np.concatenate([p.area_px for p in placed.values()]).tolist()
    expected = np.concatenate([p.wgs84 for p in placed.values()])
    assert shapely.equals_exact(
        shapely.normalize(_multi(geometries)), shapely.normalize(_multi(expected)), 1e-8
    ).all()
    assert list(tmp_path.iterdir()) == [path]
    if form != "geoparquet":
        assert pyogrio.read_info(path)["crs"] == "EPSG:4326"


def _multi(geometries: np.ndarray) -> np.ndarray:
    return np.array([shapely.multipolygons(shapely.get_parts(geometry)) for geometry in geometries])


@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_arrival_changes_nothing(tmp_path: Path, form: str, scenes: dict[str, Polygons]) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    first, second = (
        _rows(_written(tmp_path / folder, form, dict(order)))
        for folder, order in (("1", scenes.items()), ("2", reversed(scenes.items())))
    )
    assert first[0] == second[0]
    assert (first[3] == second[3]).all()


@pytest.mark.parametrize("form", FORMS)
def test_no_polygon_gives_an_empty_file_that_opens(tmp_path: Path, form: str) -> None:
    path = _written(tmp_path, form, {})
    if form == "geoparquet":
        assert pyarrow.parquet.read_table(path).num_rows == 0
        _check_geo(path)
    else:
        assert pyogrio.read_info(path)["features"] == 0


def _check_geo(path: Path) -> dict[str, Any]:
    """Check the rules of GeoParquet 1.1: https://geoparquet.org/releases/v1.1.0/."""
    schema = pyarrow.parquet.read_schema(path)
    geo = json.loads(schema.metadata[b"geo"])
    column: dict[str, Any] = geo["columns"][geo["primary_column"]]
    assert geo["version"] == "1.1.0"
    assert column["encoding"] == "WKB"
    assert set(column["geometry_types"]) <= {"Polygon", "MultiPolygon"}
    assert pyproj.CRS.from_json_dict(column["crs"]).to_epsg() == 4326
    assert schema.field("geometry").type == pyarrow.binary()
    box = column["covering"]["bbox"]
    assert box == {side: ["bbox", side] for side in ("xmin", "ymin", "xmax", "ymax")}
    assert [field.name for field in schema.field("bbox").type] == list(box)
    return column


def test_metadata_of_geoparquet_are_true(tmp_path: Path, scenes: dict[str, Polygons]) -> None:
    path = _written(tmp_path, "geoparquet", scenes)
    column, geometries = _check_geo(path), _rows(path)[3]
    assert column["bbox"] == shapely.total_bounds(geometries).tolist()
    assert set(column["geometry_types"]) == {geometry.geom_type for geometry in geometries}
    boxes = pyarrow.parquet.read_table(path)["bbox"].to_pylist()
    assert [tuple(box.values()) for box in boxes] == [geometry.bounds for geometry in geometries]
    assert column["orientation"] == "counterclockwise"
    assert all(polygon.exterior.is_ccw for polygon in shapely.get_parts(geometries))


def test_geojson_follows_its_rfc(tmp_path: Path, scenes: dict[str, Polygons]) -> None:
    content = json.loads(_written(tmp_path, "geojson", scenes).read_text("utf-8"))
    assert content["type"] == "FeatureCollection"
    assert "crs" not in content
    seen = 0
    for feature in content["features"]:
        assert feature["type"] == "Feature"
        assert set(feature["properties"]) == {"scene", "area_m2", "area_px"}
        shape = shapely.geometry.shape(feature["geometry"])
        for polygon in shapely.get_parts(shape):
            west, south, east, north = polygon.bounds
            assert -180 <= west < east <= 180
            assert -90 <= south < north <= 90
            assert polygon.exterior.is_ccw
            assert not any(hole.is_ccw for hole in polygon.interiors)
            seen += 1
        if feature["properties"]["scene"] == "b.tif":  # cut, not drawn around the world
            assert all(part.bounds[2] - part.bounds[0] < 1 for part in shapely.get_parts(shape))
    assert seen > len(content["features"]) > 0


def test_a_scene_given_again_replaces_the_first(tmp_path: Path, scenes: dict[str, Polygons]) -> None:
    with Layer(tmp_path, "geoparquet") as layer:
        layer.add("x", scenes["plain.tif"])
        layer.add("x", scenes["a.tif"])
        layer.add("x", scenes["b.tif"])
        assert (layer.without_coordinates, layer.count) == (0, len(scenes["b.tif"]))
        assert len(_rows(layer.finish())[0]) == len(scenes["b.tif"])


@pytest.mark.parametrize("form", FORMS)
def test_a_failure_leaves_the_old_file_and_no_draft(
    tmp_path: Path, form: str, scenes: dict[str, Polygons]
) -> None:
    path = _written(tmp_path, form, scenes)
    before = path.read_bytes()
    with Layer(tmp_path, form) as layer:
        layer.add("b.tif", scenes["b.tif"])
        layer._spill.truncate(10)  # what was put aside is lost
        with pytest.raises(OSError, match=r"."):
            layer.finish()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_form_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shp"):
        Layer(tmp_path, "shp")
