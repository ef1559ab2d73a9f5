"""Polygons in longitude and latitude that cross the 180th meridian, or hold a pole."""

from __future__ import annotations

from typing import Any

import numpy as np

from infer.write.vectors.rings import Rings, polygons_of

AT_POLE = 90 - 1e-9  # degrees: there a longitude says nothing
EDGE = 1e-12  # degrees


def on_the_globe(rings: Rings, signs: np.ndarray, shared_poles: bool) -> np.ndarray:
    """Return valid shapely polygons or multipolygons, object [N], within -180 to 180 and -90 to 90 degrees.

    rings: in degrees, from vertex to vertex less than 180 degrees of longitude. signs: see geodesic_areas.
    shared_poles: the poles are points of the CRS, not lines. What crosses 180 degrees is cut there (RFC 7946,
    3.1.9); what holds a pole reaches to 90 degrees. None where a coordinate is infinite or nothing is left.
    """
    import shapely

    finite = np.isfinite(rings.points).all(axis=1)
    points = np.where(finite[:, None], rings.points, 0)
    longitudes = _unwrapped(points[:, 0], rings.starts)
    odd = (np.abs(longitudes) > 180 + EDGE) | (np.abs(points[:, 1]) > 90) | (longitudes != points[:, 0])
    if shared_poles:
        odd |= np.abs(points[:, 1]) > AT_POLE
    first_points = rings.starts[rings.polygons[:-1]]
    lost = np.logical_or.reduceat(~finite, first_points)
    hard = np.logical_or.reduceat(odd, first_points) & ~lost
    made = polygons_of(rings.with_points(points))
    made[lost] = None
    for index in np.flatnonzero(hard):
        parts = [
            _region(points[rings.starts[ring] : rings.starts[ring + 1]], signs[ring], shared_poles)
            for ring in range(rings.polygons[index], rings.polygons[index + 1])
        ]
        made[index] = shapely.difference(parts[0], shapely.union_all(parts[1:])) if parts[1:] else parts[0]
    bad = ~shapely.is_valid(made) & ~lost
    made[bad] = shapely.make_valid(made[bad])
    for index in np.flatnonzero(bad | hard):
        made[index] = _polygonal_part(made[index])
    return np.asarray(shapely.orient_polygons(made), object)


def _unwrapped(longitudes: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return longitudes that go on beyond 180 degrees instead of jumping, each ring by itself."""
    turns = np.zeros(len(longitudes))
    turns[1:] = np.round(np.diff(longitudes) / 360)
    turns = np.cumsum(turns)
    turns -= np.repeat(turns[starts[:-1]], np.diff(starts))
    return longitudes - 360 * turns


def _region(ring: np.ndarray, sign: float, shared_poles: bool) -> Any:
    """Return what one ring encloses, within -180 to 180 degrees."""
    import shapely

    if shared_poles:
        ring = _with_pole_as_line(ring)
    x = _unwrapped(ring[:, 0], np.array([0, len(ring)]))
    y = np.clip(ring[:, 1], -90, 90)
    if abs(x[-1] - x[0]) > 180:  # it goes around a pole, which lies to its left where it is counterclockwise
        pole = 90.0 if (x[-1] - x[0]) * sign > 0 else -90.0
        # Five turns, closed far away from the middle one: a ring may wind back behind its own beginning.
        shifts = (x[-1] - x[0]) * np.arange(-2, 3)
        x, y = (x[:-1] + shifts[:, None]).ravel(), np.tile(y[:-1], 5)
        x, y = np.append(x, [x[-1], x[0]]), np.append(y, [pole, pole])
        turns = range(int(np.floor((ring[0, 0] + 180) / 360)), int(np.floor((ring[0, 0] + 180) / 360)) + 1)
    else:
        turns = range(int(np.floor((x.min() + 180) / 360)), int(np.floor((x.max() + 180) / 360)) + 1)
    region = _polygonal_part(shapely.make_valid(shapely.polygons(np.stack([x, y], axis=1))))
    if region is None:
        return shapely.MultiPolygon()
    cut = [shapely.intersection(region, shapely.box(360 * k - 180, -90, 360 * k + 180, 90)) for k in turns]
    moved = [_moved(part, -360.0 * k) for k, part in zip(turns, cut, strict=True)]
    return _polygonal_part(shapely.union_all(moved)) or shapely.MultiPolygon()


def _with_pole_as_line(ring: np.ndarray) -> np.ndarray:
    """Let a ring that has a vertex at a pole come there and leave by a meridian."""
    made: list[tuple[float, float]] = []
    corners = ring[:-1]
    away = np.flatnonzero(np.abs(corners[:, 1]) <= AT_POLE)
    if len(away) in (0, len(corners)):
        return ring
    corners = np.roll(corners, -int(away[0]), axis=0)
    for index, (x, y) in enumerate(corners):
        if abs(y) <= AT_POLE:
            made.append((x, y))
            continue
        pole = float(np.copysign(90, y))
        made.append((made[-1][0], pole))
        made.append((corners[(index + 1) % len(corners)][0], pole))
    return np.array([*made, made[0]])


def _moved(geometry: Any, east: float) -> Any:
    import shapely

    return shapely.transform(geometry, lambda xy: xy + np.array([east, 0.0])) if east else geometry


def _polygonal_part(geometry: Any) -> Any:
    """Return a polygon or multipolygon without lines and points; None where nothing is left."""
    import shapely

    parts = shapely.get_parts(shapely.get_parts(np.array([geometry], object)))
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    parts = parts[shapely.area(parts) > 0]
    if not len(parts):
        return None
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
