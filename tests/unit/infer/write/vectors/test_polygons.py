"""Polygons of ice: whole, valid, and of the right area wherever they lie."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rasterio")
import pyproj
import shapely
from affine import Affine

from infer.write.vectors.polygons import Polygons, ice_polygons

EARTH = 5.1006562172408e14  # m2, WGS84
MERCATOR = 20037508.342789244  # m, half the width of the world


def _noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random((height, width)) < 0.6).astype(np.uint8) * 255


def _independent_areas(found: Polygons, crs: int, centre: tuple[float, float], step: float) -> np.ndarray:
    """Densify in the CRS, then measure in the plane of an equal-area projection."""
    there = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(*centre)
    plane = f"+proj=laea +lon_0={there[0]} +lat_0={there[1]} +datum=WGS84"
    change = pyproj.Transformer.from_crs(crs, plane, always_xy=True)
    dense = shapely.segmentize(found.geometry, step)
    return np.asarray(
        shapely.area(shapely.transform(dense, lambda xy: np.stack(change.transform(*xy.T), axis=1)))
    )


PLACES = {
    "UTM": (32633, Affine(10, 0, 3e5, 0, -10, 8.5e6)),
    "UTM, rotated": (32633, Affine.translation(3e5, 8.5e6) * Affine.rotation(30) * Affine.scale(10, -10)),
    "UTM, south up": (32633, Affine(10, 0, 3e5, 0, 10, 8.5e6)),
    "polar stereographic, north": (3413, Affine(250, 0, -1e6, 0, -250, -5e5)),
    "around the north pole": (3413, Affine(25000, 0, -612500, 0, -25000, 612500)),
    "a pixel's corner at the pole": (3413, Affine(250, 0, -6250, 0, -250, 6250)),
    "polar stereographic, south": (3031, Affine(250, 0, -6200, 0, -250, 6200)),
    "web Mercator": (3857, Affine(100, 0, 1e6, 0, -100, 1.5e7)),
    "web Mercator, large pixels": (3857, Affine(50000, 0, -1e6, 0, -50000, 1.2e7)),
    "Albers": (5070, Affine(30, 0, -1e6, 0, -30, 2e6)),
    "geographic": (4326, Affine(0.01, 0, 20, 0, -0.01, 80)),
    "geographic, across 180 degrees": (4326, Affine(0.01, 0, 179.8, 0, -0.01, 80)),
    "geographic, rotated": (
        4326,
        Affine.translation(20, 80) * Affine.rotation(30) * Affine.scale(0.01, -0.01),
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_areas_agree_with_an_equal_area_plane(place: str) -> None:
    crs, transform = PLACES[place]
    mask = _noise(50, 53)
    found = ice_polygons(mask, pyproj.CRS(crs), transform)
    side = float(np.hypot(transform.a, transform.d))
    expected = _independent_areas(found, crs, transform * (26.3, 25.2), side / 8)
    assert found.area_m2 is not None
    assert found.wgs84 is not None
    np.testing.assert_allclose(found.area_m2, expected, rtol=1e-3)
    assert found.area_px.sum() == np.count_nonzero(mask)
    assert shapely.is_valid(found.geometry).all()
    assert shapely.is_valid(found.wgs84).all()
    west, south, east, north = shapely.total_bounds(found.wgs84)
    assert -180 <= west < east <= 180
    assert -90 <= south < north <= 90


def test_the_whole_sphere() -> None:
    ice = np.full((180, 360), 255, np.uint8)
    for west in (-180, 0):
        found = ice_polygons(ice, "EPSG:4326", Affine(1, 0, west, 0, -1, 90))
        assert found.area_m2 == pytest.approx([EARTH], rel=1e-9)
        assert found.wgs84 is not None
        assert found.wgs84[0].bounds == (-180, -90, 180, 90)


def test_nearly_the_whole_sphere_in_a_projection() -> None:
    step = MERCATOR / 20
    ice = np.full((40, 40), 255, np.uint8)
    found = ice_polygons(ice, "EPSG:3857", Affine(step, 0, -MERCATOR, 0, -step, MERCATOR))
    geod = pyproj.Geod(
        ellps="WGS84"
    )  # a cap is less than half of the earth: there is no doubt about its area
    longitudes = np.linspace(-180, 180, 7201)
    cap = geod.polygon_area_perimeter(longitudes, np.full(7201, 85.0511287798066))[0]
    assert found.area_m2 == pytest.approx([EARTH - 2 * abs(cap)], rel=1e-4)


def test_holes_count_off() -> None:
    mask = np.zeros((9, 9), np.uint8)
    mask[1:8, 1:8] = 255
    mask[3:6, 3:6] = 0
    mask[4, 4] = 255
    found = ice_polygons(mask, "EPSG:32633", Affine(10, 0, 5e5, 0, -10, 8e6))
    assert found.area_px.tolist() == [40, 1]
    assert found.area_m2 is not None
    assert found.area_m2[0] / found.area_m2[1] == pytest.approx(40, rel=1e-5)
    assert [len(polygon.interiors) for polygon in found.geometry] == [1, 0]


def test_pixels_that_meet_at_a_corner_are_parted() -> None:
    mask = np.eye(5, dtype=np.uint8) * 255
    assert ice_polygons(mask, None, None).area_px.tolist() == [1] * 5


@pytest.mark.parametrize("rows", [1, 2, 7, 39])
@pytest.mark.parametrize("seed", [0, 1])
def test_bands_give_what_the_whole_mask_gives(rows: int, seed: int) -> None:
    mask = _noise(40, 33, seed)
    mask[:, 5] = mask[20] = 255  # one that goes through every seam
    whole, banded = ice_polygons(mask, None, None), ice_polygons(mask, None, None, max_band=33 * rows)
    assert len(whole) == len(banded) > 10
    assert shapely.equals_exact(whole.geometry, banded.geometry, 0).all()


def test_without_a_place_coordinates_are_pixels() -> None:
    mask = np.zeros((4, 6), np.uint8)
    mask[1:3, 2:5] = 255
    mask[0, 0] = 254  # no data
    for crs, transform in [
        (None, None),
        ("EPSG:3413", None),
        (None, Affine.scale(2)),
        ("no CRS", Affine.scale(2)),
    ]:
        found = ice_polygons(mask, crs, transform)
        assert found.geometry[0].bounds == (2, 1, 5, 3)
        assert (found.area_px.tolist(), found.area_m2, found.wgs84) == ([6], None, None)


def test_a_function_may_place_the_pixels() -> None:
    mask, transform = _noise(20, 20), Affine(10, 0, 3e5, 0, -10, 8.5e6)
    by_matrix = ice_polygons(mask, 32633, transform)
    by_function = ice_polygons(mask, 32633, lambda xy: xy * (10, -10) + (3e5, 8.5e6))
    assert by_matrix.area_m2 is not None
    assert by_function.area_m2 is not None
    np.testing.assert_allclose(by_function.area_m2, by_matrix.area_m2)
    assert shapely.equals_exact(by_matrix.wgs84, by_function.wgs84, 1e-12).all()
