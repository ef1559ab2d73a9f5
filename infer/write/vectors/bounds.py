"""The box of longitudes and latitudes that a scene lies in."""

from __future__ import annotations

import math

import numpy as np

from infer.write.geotiff.gdal import environment, load_rasterio
from infer.write.geotiff.georeference import Georeference
from infer.write.vectors.placing import WGS84, placing_of

ALONG_SIDE = 21  # points of a side, which may bend

Bounds = tuple[float, float, float, float]


def wgs84_bounds(place: Georeference, shape: tuple[int, int]) -> Bounds | None:
    """Return west, south, east and north in degrees of WGS84 of an image of shape (height, width).

    west is greater than east where it crosses 180 degrees. None where it has no place, or none on the earth.
    """
    rasterio = load_rasterio()
    try:
        crs, to_crs = placing_of(place)
        if to_crs is None:
            return None
        edge = _edge(shape)
        points = to_crs(edge) if callable(to_crs) else np.stack(to_crs @ tuple(edge.T), axis=1)
        (left, bottom), (right, top) = points.min(axis=0), points.max(axis=0)
        with environment(rasterio):
            found = rasterio.warp.transform_bounds(crs, WGS84, left, bottom, right, top, ALONG_SIDE)
    except Exception:  # PROJ, GDAL and rasterio have many kinds of errors
        return None
    west, south, east, north = map(float, found)
    return (west, south, east, north) if all(map(math.isfinite, found)) else None


def _edge(shape: tuple[int, int]) -> np.ndarray:
    """Return points along the sides of an image: float64 [P, 2], columns and rows."""
    ways = np.linspace(0, 1, ALONG_SIDE)
    none, whole = np.zeros(ALONG_SIDE), np.ones(ALONG_SIDE)
    sides = [(ways, none), (ways, whole), (none, ways), (whole, ways)]
    return np.concatenate([np.stack([x * shape[1], y * shape[0]], axis=1) for x, y in sides])
