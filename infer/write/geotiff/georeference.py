"""Where on the Earth a scene lies, read from its file and turned as its mask is turned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infer.plan.tiff_header import Header
from infer.write.geotiff.gdal import environment, load_rasterio
from infer.write.geotiff.upright import turn_gcps, turn_rpcs, turn_transform

UNREADABLE = "its georeference cannot be read: its mask has none"
NO_CRS = "its coordinate system cannot be read: its mask has none"
OTHER_SIZE = "its georeference is of an image of another size: its mask has none"
MIN_GCPS = 3  # as many as an affine has; GDAL makes one of a tie point without a scale
# GeoTIFF 1.1 (OGC 19-008r4) 7.4 and GDAL's RPCCoefficientTag: pixel scale, tie points, transformation, RPCs
_PLACING, _GEO_KEYS = {33550, 33922, 34264, 50844}, 34735


@dataclass(frozen=True)
class Georeference:
    """Where an image lies, in one or more of three ways; all of them count pixels of the upright image.

    crs: rasterio's CRS of transform or gcps, None where it is not stated. transform: affine, from column and
    row (0, 0 is the outer corner of the first pixel) to coordinates. gcps: ground control points. rpcs:
    rational polynomials, over WGS 84 whatever crs is.
    """

    crs: Any = None
    transform: Any = None
    gcps: tuple[Any, ...] = ()
    rpcs: Any = None

    @property
    def is_placed(self) -> bool:
        """Whether anything says where it lies."""
        return self.transform is not None or bool(self.gcps) or self.rpcs is not None

    @property
    def profile(self) -> dict[str, Any]:
        """What rasterio writes it with."""
        ways = {"crs": self.crs, "transform": self.transform, "gcps": list(self.gcps), "rpcs": self.rpcs}
        given = {name: way for name, way in ways.items() if way}
        if self.gcps and self.crs is None:  # rasterio wants one, if only an empty one
            given["crs"] = load_rasterio().crs.CRS()
        return given


def read_georeference(path: Path, header: Header) -> tuple[Georeference, tuple[str, ...]]:
    """Return where the image that the header speaks of lies, upright, and notes about what cannot be read.

    Nothing in the file is fatal: what cannot be read is left out. Raises UsageError without rasterio.
    """
    rasterio = load_rasterio()
    if header.is_picture:  # a PNG or JPEG says nothing
        return Georeference(), ()
    try:
        with environment(rasterio):
            stored = _stored(rasterio, path, header)
        if stored is None:
            return Georeference(), (OTHER_SIZE,)
        found = _upright(stored, header)
        tags = set() if found.crs is not None else _tags(path, header)
    except Exception:  # GDAL, PROJ and rasterio have many kinds; the pixels may be fine
        return Georeference(), (UNREADABLE,)
    if not found.is_placed:
        return Georeference(), (UNREADABLE,) if tags & _PLACING else ()
    return found, (NO_CRS,) if _GEO_KEYS in tags and (found.transform or found.gcps) else ()


def _stored(rasterio: Any, path: Path, header: Header) -> Georeference | None:
    """Return it in pixels as they are stored; None where GDAL sees an image of another size."""
    # A path, not a text: rasterio looks for schemes and archives in texts.
    name = path.absolute() if not header.page else f"GTIFF_DIR:{header.page + 1}:{path.absolute()}"
    with rasterio.open(name, driver="GTiff") as image:
        if (image.height, image.width) != (header.height, header.width):
            return None
        transform = None if image.transform.is_identity else image.transform
        gcps, gcps_crs = image.gcps
        if transform is not None:  # a TIFF holds one of them
            return Georeference(_named(image.crs), transform, (), image.rpcs)
        return Georeference(_named(gcps_crs) if gcps else None, None, tuple(gcps), image.rpcs)


def _named(crs: Any) -> Any:
    """Return rasterio's CRS; None for none, and for what GDAL makes of keys that it does not know."""
    return None if not crs or crs.to_wkt().startswith('LOCAL_CS["unnamed"') else crs


def _upright(stored: Georeference, header: Header) -> Georeference:
    """Turn it; raises ValueError for numbers that place nothing."""
    shape, orientation = header.shape, header.orientation
    transform = stored.transform and turn_transform(stored.transform, shape, orientation)
    if 0 < len(stored.gcps) < MIN_GCPS:
        raise ValueError("too few control points")
    gcps = tuple(turn_gcps(stored.gcps, shape, orientation))
    rpcs = stored.rpcs and turn_rpcs(stored.rpcs, shape, orientation)
    numbers = list(transform or ()) + [number for one in gcps for number in (one.row, one.col, one.x, one.y)]
    if not all(map(math.isfinite, numbers)) or (transform and not transform.determinant):
        raise ValueError("numbers that place nothing")
    return Georeference(stored.crs, transform, gcps, rpcs)


def _tags(path: Path, header: Header) -> set[int]:
    """Return the numbers of the image's tags: what GDAL cannot read it leaves out without an error."""
    import tifffile  # seldom needed

    with tifffile.TiffFile(path) as tiff:
        return {tag.code for tag in tiff.pages[header.page].aspage().tags}
