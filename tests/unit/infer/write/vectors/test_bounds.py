"""Boxes of longitude and latitude, for every way in which a scene is placed."""

from __future__ import annotations

import pytest
from affine import Affine
from rasterio.crs import CRS

from infer.write.geotiff.georeference import Georeference
from infer.write.vectors.bounds import wgs84_bounds
from tests.helpers.job.placed import CORNERS, GCPS, GEOGRAPHIC, RPCS

WGS84 = CRS.from_epsg(4326)


def test_a_geographic_scene_has_its_own_box() -> None:
    place = Georeference(WGS84, GEOGRAPHIC["transform"])
    assert wgs84_bounds(place, (30, 40)) == pytest.approx((20, 75 - 0.0005 * 30, 20.04, 75))


def test_a_rotated_one_is_enclosed() -> None:
    turned = Affine.translation(10, 50) @ Affine.rotation(90) @ Affine.scale(0.1, 0.1)
    assert wgs84_bounds(Georeference(WGS84, turned), (10, 20)) == pytest.approx((9, 50, 10, 52))


def test_one_across_180_degrees_has_its_west_east_of_its_east() -> None:
    zone_1 = Georeference(CRS.from_epsg(32601), Affine(1000, 0, 1e5, 0, -1000, 7.5e6))
    west, south, east, north = wgs84_bounds(zone_1, (500, 600)) or (0, 0, 0, 0)
    assert west > 150 > 0 > east > -180
    assert 60 < south < north < 70


def test_control_points_and_polynomials_place_it_too() -> None:
    longitudes, latitudes = ([corner[i] for corner in CORNERS] for i in (2, 3))
    found = wgs84_bounds(Georeference(WGS84, gcps=tuple(GCPS["gcps"])), (30, 40))
    wanted = min(longitudes), min(latitudes), max(longitudes), max(latitudes)
    assert found == pytest.approx(wanted, abs=0.1)
    west, south, east, north = wgs84_bounds(Georeference(rpcs=RPCS["rpcs"]), (30, 40)) or (0, 0, 0, 0)
    assert 18.5 < west < 20 < east < 21.5
    assert 74 < south < 75 < north < 76


@pytest.mark.parametrize("place", [Georeference(), Georeference(None, Affine.scale(2, 2))])
def test_without_a_place_there_is_none(place: Georeference) -> None:
    assert wgs84_bounds(place, (30, 40)) is None


def test_a_place_that_is_not_on_the_earth_has_none() -> None:
    nowhere = Georeference(CRS.from_epsg(32633), Affine(1e9, 0, 1e12, 0, -1e9, 1e13))
    assert wgs84_bounds(nowhere, (30, 40)) is None
