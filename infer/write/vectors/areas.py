"""Areas of polygons on an ellipsoid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from infer.write.vectors.rings import Rings, signed_areas

if TYPE_CHECKING:
    from pyproj import Geod

NOISE = 1e-6  # of the earth: a ring that is right but for rounding is no ring around all the rest


def areas_between_parallels(rings: Rings, geod: Geod) -> np.ndarray:
    """Return areas [N] in m2 of polygons in degrees whose longitudes do not jump.

    On a cylinder of equal area (Snyder 1987, p. 76), where edges along parallels and meridians are straight.
    """
    longitudes, latitudes = np.deg2rad(rings.points).T
    heights = _authalic(np.clip(latitudes, -np.pi / 2, np.pi / 2), float(np.sqrt(geod.es)))
    flat = rings.with_points(np.stack([longitudes, heights], axis=1))
    return rings.per_polygon(np.abs(signed_areas(flat)) * geod.a**2 / 2)


def geodesic_areas(rings: Rings, signs: np.ndarray, geod: Geod) -> np.ndarray:
    """Return areas [N] in m2 of polygons in degrees with geodesics for edges, around a pole, too.

    signs: [R], 1 where a ring turns counterclockwise on the earth around what it encloses, else -1. They
    tell a ring from one around the rest of the earth. Not a number where a coordinate is infinite.
    """
    whole = 2 * np.pi * geod.a**2 * float(_authalic(np.pi / 2, float(np.sqrt(geod.es))))
    of_rings = np.empty(len(signs))
    for ring, (start, end) in enumerate(zip(rings.starts[:-1], rings.starts[1:], strict=True)):
        points = rings.points[start:end]
        if not np.isfinite(points).all():
            of_rings[ring] = np.nan
            continue
        area = signs[ring] * geod.polygon_area_perimeter(points[:, 0], points[:, 1])[0]
        of_rings[ring] = area + whole if area < -NOISE * whole else abs(area)
    return rings.per_polygon(of_rings)


def _authalic(latitudes: np.ndarray | float, eccentricity: float) -> np.ndarray:
    """Return q of Snyder's equation 3-12; latitudes in radians."""
    sine = np.asarray(np.sin(latitudes))
    if not eccentricity:
        return 2 * sine
    part = eccentricity * sine
    q: np.ndarray = (1 - eccentricity**2) * (sine / (1 - part**2) + np.arctanh(part) / eccentricity)
    return q
