"""A scene's georeference as what polygons take: a coordinate system, and the way into it from pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from infer.write.geotiff.gdal import load_rasterio
from infer.write.geotiff.georeference import Georeference
from infer.write.vectors.ground import ToCrs

if TYPE_CHECKING:
    from affine import Affine

WGS84 = "EPSG:4326"
SEA_LEVEL = 0.0  # metres: rational polynomials want a height, and the ice has that


def placing_of(place: Georeference) -> tuple[Any, Affine | ToCrs | None]:
    """Return the CRS and the transform as ice_polygons takes them; None and None where there is no place.

    Of several ways that a scene is placed in the first one counts: affine, control points, polynomials.
    """
    if place.transform is not None and place.crs is not None:
        return place.crs, place.transform
    transforming = load_rasterio().transform
    if place.gcps and place.crs is not None:
        return place.crs, _by(transforming.GCPTransformer(list(place.gcps)))
    if place.rpcs is not None:
        return WGS84, _by(transforming.RPCTransformer(place.rpcs, RPC_HEIGHT=SEA_LEVEL))
    return None, None


def _by(transformer: Any) -> ToCrs:
    def to_crs(pixels: np.ndarray) -> np.ndarray:
        xs, ys = transformer.xy(pixels[:, 1], pixels[:, 0], offset="ul")
        return np.stack([np.asarray(xs, float), np.asarray(ys, float)], axis=1)

    return to_crs
