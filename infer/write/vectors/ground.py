"""Where the pixels of a scene lie on the earth."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from infer.write.vectors.rings import Rings

if TYPE_CHECKING:
    from affine import Affine
    from pyproj import CRS, Geod, Transformer

# float64 [P, 2] to [P, 2]: x (column) and y (row) from the upper left corner, to x and y in the scene's CRS
ToCrs = Callable[[np.ndarray], np.ndarray]
TOLERANCE = 2e-4  # of a pixel's side: what a geodesic between two vertices may leave out
SAMPLES = 7  # places along each side of a scene where its pixels are measured
MAX_TURN = 5.0  # degrees of longitude from vertex to vertex, near a pole
MAX_HALVINGS = 12


class Ground(NamedTuple):
    """A scene's place. crs: two-dimensional; to_base: from it to longitudes and latitudes of its own datum.

    degrees: of one unit of these. plain: the CRS has longitudes and latitudes itself.
    """

    crs: CRS
    to_crs: ToCrs
    to_base: Transformer
    to_wgs84: Transformer
    geod: Geod
    degrees: float
    plain: bool

    def own(self, pixels: np.ndarray) -> np.ndarray:
        """Return longitudes and latitudes on the scene's own ellipsoid in degrees; pixels float64 [P, 2]."""
        xy = self.to_crs(pixels)
        return (xy if self.plain else _through(self.to_base, xy)) * self.degrees

    def wgs84(self, pixels: np.ndarray) -> np.ndarray:
        """Return longitudes and latitudes in EPSG:4326 in degrees, infinite where there are none."""
        return _through(self.to_wgs84, self.to_crs(pixels))

    def followed(self, rings: Rings, shape: tuple[int, int]) -> Rings:
        """Return rings in pixels with as many vertices as they need on the ellipsoid of the scene."""
        longest = max(shape) / 16
        step = longest if self._along_parallels(shape) else min(longest, self._step(shape))
        length = np.zeros(len(rings.points))
        length[:-1] = np.abs(np.diff(rings.points, axis=0)).max(axis=1)
        rings = rings.cut_into(np.ceil(length / step).astype(np.int64))
        for _ in range(0 if self.plain else MAX_HALVINGS):
            turn = np.zeros(len(rings.points))
            turn[:-1] = _wrapped(np.diff(self.own(rings.points)[:, 0]))
            wide = np.abs(turn) > MAX_TURN
            wide[rings.starts[1:] - 1] = False
            if not wide.any():
                break
            rings = rings.cut_into(1 + wide.astype(np.int64))
        return rings

    def mirrored(self, shape: tuple[int, int]) -> bool:
        """Tell whether what turns from the x to the y axis of pixels turns clockwise on the earth."""
        at = _places(shape)
        here, right, below = (self.own(at + shift) for shift in ((0, 0), (1, 0), (0, 1)))
        with np.errstate(invalid="ignore"):
            (east, north), (east_2, north_2) = (right - here).T, (below - here).T
            turn = np.sign(_wrapped(east) * north_2 - _wrapped(east_2) * north)
        return bool(np.nansum(turn) < 0)

    def _along_parallels(self, shape: tuple[int, int]) -> bool:
        """Tell whether all edges of pixels are parallels or meridians in longitudes and latitudes."""
        at = _places(shape)
        steps = np.abs(np.stack([self.own(at + shift) - self.own(at) for shift in ((1, 0), (0, 1))]))
        small = (steps < 1e-9 * steps.max()).all(axis=1)
        return self.plain and bool((small == np.eye(2, dtype=bool)[::-1]).all())

    def _step(self, shape: tuple[int, int]) -> float:
        """Return how many pixels may lie between two vertices that a geodesic connects.

        A line that is straight in the CRS bends by `curvature` on the ellipsoid: over a length L, an area of
        L^3 curvature / 12 is lost, which one side of a row of pixels may lose and the other not.
        """
        at, steps = _places(shape), [np.inf]
        for axis, side in ((0, shape[1]), (1, shape[0])):
            shift = np.zeros(2)
            shift[axis] = count = max(1.0, side / 64)
            ends = [self.own(at + share * shift) for share in (0, 0.5, 1)]
            good = np.isfinite(np.concatenate(ends, axis=1)).all(axis=1)
            first, middle, last = (end[good].T for end in ends)
            azimuth, _, length = self.geod.inv(*first, *last)
            sagitta = self.geod.inv(*self.geod.fwd(first[0], first[1], azimuth, length / 2)[:2], *middle)[2]
            with np.errstate(divide="ignore", invalid="ignore"):
                side_m = length / count
                steps.extend(np.sqrt(12 * TOLERANCE * side_m * length**2 / (8 * sagitta)) / side_m)
        return max(float(np.nanmin(steps)), 1 / 64)


def ground(crs: object, transform: Affine | ToCrs | None) -> Ground | None:
    """Return the place of a scene, None where it has none: no CRS or a local one, or no transform.

    crs: of pyproj or rasterio, or WKT. transform: affine, or a function, as GCPs need it.
    """
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError

    try:
        flat = _flat(CRS.from_user_input(crs)) if crs and transform else None
    except CRSError:
        return None
    if flat is None or transform is None or not (flat.is_geographic or flat.is_projected):
        return None
    base = flat.source_crs if flat.is_derived else flat.geodetic_crs
    base = _flat(base) if base else None
    geod = flat.get_geod()
    if base is None or geod is None:
        return None
    radians: Any = base.axis_info[0].unit_conversion_factor
    return Ground(
        flat,
        transform if callable(transform) and not hasattr(transform, "a") else _affine(transform),
        Transformer.from_crs(flat, base, always_xy=True),
        Transformer.from_crs(flat, 4326, always_xy=True),
        geod,
        float(np.rad2deg(radians)),
        bool(flat.is_geographic and not flat.is_derived),
    )


def _flat(crs: CRS) -> CRS:
    """Return the horizontal part of a CRS, without what would shift it to another datum."""
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    if crs.is_bound and crs.source_crs:
        crs = crs.source_crs
    return crs.to_2d()


def _affine(transform: Any) -> ToCrs:
    matrix = np.array([[transform.a, transform.b], [transform.d, transform.e]], np.float64)
    origin = np.array([transform.c, transform.f], np.float64)
    return lambda pixels: pixels @ matrix.T + origin


def _through(transformer: Transformer, xy: np.ndarray) -> np.ndarray:
    return np.stack(transformer.transform(*xy.T), axis=1)


def _wrapped(longitudes: np.ndarray) -> np.ndarray:
    """Return differences of longitude in degrees the shorter way around, not a number where infinite."""
    with np.errstate(invalid="ignore"):
        turn: np.ndarray = longitudes - 360 * np.round(longitudes / 360)
    return turn


def _places(shape: tuple[int, int]) -> np.ndarray:
    """Return points all over a scene of that height and width, float64 [SAMPLES^2, 2], none on its edge."""
    shares = (np.arange(SAMPLES) + 0.41) / SAMPLES
    x, y = np.meshgrid(shares * shape[1], shares * shape[0])
    return np.stack([x.ravel(), y.ravel()], axis=1)
