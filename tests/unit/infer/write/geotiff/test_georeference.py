"""Where scenes lie, and where their upright masks do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rasterio.transform import RPCTransformer

from infer.plan.tiff_header import read_header
from infer.read.tiff.tifffile_reader import turned
from infer.write.geotiff.georeference import NO_CRS, OTHER_SIZE, UNREADABLE, Georeference, read_georeference
from infer.write.geotiff.upright import turn_gcps, turn_rpcs, turn_transform
from tests.helpers.job.placed import GCPS, GEO_KEYS, RPCS, UTM, WAYS, write_placed, write_turned
from tests.helpers.support import random_rgb, write_tiff

HEIGHT, WIDTH = 5, 7  # as stored


def _where_stored(orientation: int) -> np.ndarray:
    """int [H, W, 2]: the row and column in which the file has each pixel of the upright image."""
    return turned(np.moveaxis(np.indices((HEIGHT, WIDTH)), 0, 2), orientation)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_upright_pixel_lies_where_its_stored_one_does(orientation: int) -> None:
    stored = _where_stored(orientation)
    transform = turn_transform(UTM["transform"], stored.shape[:2], orientation)
    rpcs = turn_rpcs(RPCS["rpcs"], stored.shape[:2], orientation)
    for row, col in np.ndindex(stored.shape[:2]):
        there = stored[row, col]
        assert transform * (col + 0.5, row + 0.5) == UTM["transform"] * (there[1] + 0.5, there[0] + 0.5)
        with RPCTransformer(RPCS["rpcs"]) as before, RPCTransformer(rpcs) as after:
            place = before.xy(int(there[0]), int(there[1]), offset="center")
            np.testing.assert_allclose(after.xy(row, col, offset="center"), place, atol=1e-9)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_control_points_stay_at_their_pixels(orientation: int) -> None:
    stored = _where_stored(orientation)
    # Shape and orientation are the upright image's; a point in the middle of each stored pixel.
    point = type(GCPS["gcps"][0])
    points = [point(row + 0.5, col + 0.5, col, row, 0.0) for row, col in np.ndindex(HEIGHT, WIDTH)]
    for one in turn_gcps(points, stored.shape[:2], orientation):
        np.testing.assert_array_equal(stored[int(one.row), int(one.col)], (one.y, one.x))


@pytest.mark.parametrize("way", WAYS)
def test_each_way_is_read(tmp_path: Path, way: str) -> None:
    path = write_placed(tmp_path / "a ö?#.tif", random_rgb(31, 41), **WAYS[way])
    found, notes = read_georeference(path, read_header(path))
    assert notes == ()
    assert found.is_placed == (way != "plain")
    assert found.transform == WAYS[way].get("transform")
    assert (found.crs and found.crs.to_string()) == WAYS[way].get("crs")
    assert len(found.gcps) == len(WAYS[way].get("gcps", ()))
    assert (found.rpcs is not None) == ("rpcs" in WAYS[way])


def test_what_cannot_be_read_is_noted(tmp_path: Path) -> None:
    keys = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 20)  # no such system
    path = write_turned(tmp_path / "keys.tif", random_rgb(31, 41), 1, keys)
    found, notes = read_georeference(path, read_header(path))
    assert (found.crs, found.transform, notes) == (None, UTM["transform"], (NO_CRS,))
    for name, scale in (("nan", (np.nan, 10.0, 0.0)), ("two", (10.0, 0.0)), ("huge", (np.inf, np.inf, 0.0))):
        tags = [(33550, "d", len(scale), scale, True), (33922, "d", 6, (0, 0, 0, 5e5, 8e6, 0), True),
                (34735, "H", len(GEO_KEYS), GEO_KEYS, True)]  # fmt: skip
        path = write_tiff(tmp_path / f"{name}.tif", random_rgb(31, 41), extratags=tags)
        assert read_georeference(path, read_header(path)) == (Georeference(), (UNREADABLE,)), name


def test_no_place_is_taken_from_a_file_that_has_changed_or_gone(tmp_path: Path) -> None:
    path = write_placed(tmp_path / "a.tif", random_rgb(31, 41), **UTM)
    header = read_header(path)
    write_placed(path, random_rgb(31, 42), **UTM)
    assert read_georeference(path, header) == (Georeference(), (OTHER_SIZE,))
    path.unlink()
    assert read_georeference(path, header) == (Georeference(), (UNREADABLE,))
