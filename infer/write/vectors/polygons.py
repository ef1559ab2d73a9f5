"""The ice of one mask as polygons with coordinates and areas."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from infer.errors import UsageError
from infer.write.png_rows import MaskRows
from infer.write.vectors.areas import areas_between_parallels, geodesic_areas
from infer.write.vectors.globe import on_the_globe
from infer.write.vectors.ground import ToCrs, ground
from infer.write.vectors.rings import Rings, polygons_of, rings_of, signed_areas
from infer.write.vectors.tracing import MAX_BAND, pixel_polygons

if TYPE_CHECKING:
    from affine import Affine


class Polygons(NamedTuple):
    """N polygons of a scene, by their first vertex, row by row.

    geometry: shapely, object [N], in the scene's CRS; in pixels where it has no place. area_px: int64 [N].
    area_m2: float64 [N] on the ellipsoid of the CRS, not a number where the projection ends before the
    polygon does; None where the scene has no place. wgs84: object [N] in EPSG:4326, longitude first, cut at
    180 degrees, Polygon or MultiPolygon, None for single ones that have no coordinates; or None as area_m2.
    """

    geometry: np.ndarray
    area_px: np.ndarray
    area_m2: np.ndarray | None
    wgs84: np.ndarray | None

    def __len__(self) -> int:
        """Return the number of polygons, not of fields."""
        return len(self.geometry)


def ice_polygons(
    mask: MaskRows, crs: object, transform: Affine | ToCrs | None, max_band: int = MAX_BAND
) -> Polygons:
    """Return the polygons of ice (255) in mask uint8 [H, W], along the edges of pixels, holes left out.

    crs: of pyproj or rasterio, WKT, or None. transform: from columns and rows, counted from the upper left
    corner of the upper left pixel, to the CRS: affine, a function of float64 [P, 2] (for GCPs), or None.
    max_band: pixels that are traced at once. Raises UsageError where the packages for it are missing.
    """
    check_packages()
    return located(pixel_polygons(mask, max_band), (mask.shape[0], mask.shape[1]), crs, transform)


def located(
    pixels: np.ndarray, shape: tuple[int, int], crs: object, transform: Affine | ToCrs | None
) -> Polygons:
    """Return shapely polygons, object [N], in pixels of a scene of this height and width, where they lie.

    crs, transform: as for ice_polygons.
    """
    place = ground(crs, transform)
    if not len(pixels):
        none, no_areas = np.empty(0, object), np.empty(0)
        return Polygons(none, np.empty(0, np.int64), *((no_areas, none) if place else (None, None)))
    rings = rings_of(pixels)
    turns = signed_areas(rings)
    area_px = np.round(rings.per_polygon(np.abs(turns))).astype(np.int64)
    if not place:
        return Polygons(pixels, area_px, None, None)
    signs = np.sign(turns) * (-1 if place.mirrored(shape) else 1)
    fine = place.followed(rings, shape)
    own = fine.with_points(place.own(fine.points))
    if place.plain:
        area_m2 = areas_between_parallels(own, place.geod)
    else:
        area_m2 = geodesic_areas(own, signs, place.geod)
    wgs84 = on_the_globe(fine.with_points(place.wgs84(fine.points)), signs, not place.plain)
    return Polygons(_there(rings, place.to_crs), area_px, area_m2, wgs84)


def check_packages() -> None:
    """Raise UsageError where the packages that polygons need are not installed."""
    try:
        import pyarrow  # noqa: F401
        import pyogrio  # noqa: F401
        import pyproj  # noqa: F401
        import rasterio  # noqa: F401
        import shapely  # noqa: F401
    except ImportError as error:
        raise UsageError(
            'polygons need the packages of the image\'s target "archive"', " (or .venv: ./run.sh setup)"
        ) from error


def _there(rings: Rings, to_crs: ToCrs) -> np.ndarray:
    import shapely

    made = polygons_of(rings.with_points(to_crs(rings.points)))
    bad = ~shapely.is_valid(made)
    made[bad] = shapely.make_valid(made[bad])  # a warped scene may fold
    return made
