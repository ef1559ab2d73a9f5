"""From a mask to polygons along the edges of its pixels."""

from __future__ import annotations

import numpy as np

from infer.write.png_rows import MaskRows
from infer.write.vectors.rings import Rings, polygons_of, rings_of

ICE = 255
MAX_BAND = 2**26  # pixels that GDAL traces at once: it holds four bytes and more for each


def pixel_polygons(mask: MaskRows, max_band: int = MAX_BAND) -> np.ndarray:
    """Return the ice of a mask as shapely polygons, object [N], in pixels from the upper left.

    mask: uint8 [H, W], an array or what gives its rows. Pixels that meet at a corner only are parted
    (4-connected): their polygons are valid. A mask of more than `max_band` pixels is traced in bands of
    rows; what meets at a seam is united there and nowhere else, and the result is that of the whole mask,
    to the order of the vertices. Polygons come by their first vertex, row by row.
    """
    import shapely

    height, width = mask.shape
    rows = max(1, max_band // max(1, width))
    finished, unfinished = [_none()], _none()
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        traced = _traced(mask[top:bottom], top)
        if len(unfinished):
            touches = shapely.bounds(traced)[:, 1] == top
            united = _united(np.concatenate([unfinished, traced[touches]]))
            traced = np.concatenate([traced[~touches], united])
        goes_on = (shapely.bounds(traced)[:, 3] == bottom) & (bottom < height)
        finished.append(traced[~goes_on])
        unfinished = traced[goes_on]
    polygons = np.asarray(shapely.normalize(np.concatenate(finished)), object)
    if not len(polygons):
        return polygons
    rings = rings_of(polygons)
    x, y = rings.points[rings.starts[rings.polygons[:-1]]].T
    return polygons[np.lexsort((x, y))]


def _none() -> np.ndarray:
    return np.empty(0, object)


def _traced(band: np.ndarray, top: int) -> np.ndarray:
    """Trace some rows of a mask, `top` of which lie above."""
    from affine import Affine
    from rasterio.features import shapes

    ice = band == ICE
    points, starts, polygons = [], [0], [0]
    found = shapes(ice.view(np.uint8), mask=ice, connectivity=4, transform=Affine.translation(0, top))
    for geometry, _ in found:
        for ring in geometry["coordinates"]:
            points.append(np.array(ring))
            starts.append(starts[-1] + len(ring))
        polygons.append(len(starts) - 1)
    if not points:
        return _none()
    return _valid(polygons_of(Rings(np.concatenate(points), np.array(starts), np.array(polygons))))


def _valid(polygons: np.ndarray) -> np.ndarray:
    """Turn rings that touch themselves into rings with holes."""
    import shapely

    bad = ~shapely.is_valid(polygons)
    if not bad.any():
        return polygons
    return np.concatenate([polygons[~bad], _polygonal(shapely.make_valid(polygons[bad]))])


def _polygonal(geometries: np.ndarray) -> np.ndarray:
    import shapely

    parts = shapely.get_parts(shapely.get_parts(geometries))
    return np.asarray(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON], object)


def _united(pieces: np.ndarray) -> np.ndarray:
    """Unite pieces that share an edge, and drop the vertices that the seam has left within straight edges."""
    import shapely

    polygons = shapely.normalize(_polygonal(np.array([shapely.union_all(pieces)], object)))
    rings = rings_of(polygons)  # a normalized ring begins at a corner
    same = rings.points[:-1] == rings.points[1:]
    straight = np.zeros(len(rings.points), bool)
    straight[1:-1] = (same[:-1] & same[1:]).any(axis=1)
    straight[rings.starts[:-1]] = straight[rings.starts[1:] - 1] = False
    kept = np.concatenate([[0], np.cumsum(~straight)])
    return polygons_of(Rings(rings.points[~straight], kept[rings.starts], rings.polygons))
