"""Rings of many polygons as flat arrays, for arithmetic on all of them at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Rings(NamedTuple):
    """Closed rings, each polygon's exterior before its holes.

    points: float64 [P, 2], the last of a ring repeats its first. starts: int64 [R + 1], where in `points`
    each ring begins. polygons: int64 [N + 1], where in `starts` each polygon begins.
    """

    points: np.ndarray
    starts: np.ndarray
    polygons: np.ndarray

    def with_points(self, points: np.ndarray) -> Rings:
        """Return the same rings elsewhere; points: float64 [P, 2]."""
        return self._replace(points=points)

    def are_holes(self) -> np.ndarray:
        """Tell of each ring whether it is a hole: bool [R]."""
        holes = np.ones(len(self.starts) - 1, bool)
        holes[self.polygons[:-1]] = False
        return holes

    def per_polygon(self, of_rings: np.ndarray) -> np.ndarray:
        """Return exteriors less holes: [R] to [N]."""
        return np.add.reduceat(np.where(self.are_holes(), -of_rings, of_rings), self.polygons[:-1])

    def cut_into(self, parts: np.ndarray) -> Rings:
        """Return the rings with segments divided evenly; parts: int64 [P], of the one after each point."""
        parts = np.maximum(parts, 1)
        parts[self.starts[1:] - 1] = 1  # from the end of a ring no segment goes on
        before = np.concatenate([[0], np.cumsum(parts)])
        index = np.repeat(np.arange(len(parts)), parts)
        share = (np.arange(before[-1]) - before[index]) / parts[index]
        following = np.minimum(index + 1, len(parts) - 1)
        along = (self.points[following] - self.points[index]) * share[:, None]
        return Rings(self.points[index] + along, before[self.starts], self.polygons)


def rings_of(polygons: np.ndarray) -> Rings:
    """Return the rings of shapely polygons [N], N at least 1."""
    import shapely

    _, points, (starts, offsets) = shapely.to_ragged_array(polygons)
    return Rings(points, np.asarray(starts, np.int64), np.asarray(offsets, np.int64))


def polygons_of(rings: Rings) -> np.ndarray:
    """Return shapely polygons, object [N]."""
    import shapely

    polygon: Any = shapely.GeometryType.POLYGON
    made: np.ndarray = shapely.from_ragged_array(polygon, rings.points, (rings.starts, rings.polygons))
    return made


def signed_areas(rings: Rings) -> np.ndarray:
    """Return the plane area of each ring, float64 [R]: above 0 where it turns from the x to the y axis."""
    begin = np.repeat(rings.points[rings.starts[:-1]], np.diff(rings.starts), axis=0)
    x, y = (rings.points - begin).T  # near the origin, or the small differences would drown
    cross = np.zeros(len(x))
    cross[:-1] = x[:-1] * y[1:] - x[1:] * y[:-1]
    cross[rings.starts[1:] - 1] = 0
    return np.add.reduceat(cross, rings.starts[:-1]) / 2
