"""Scenes that say in each of GeoTIFF's ways where on the Earth they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC

from tests.helpers.support import random_rgb, write_tiff

UTM = {"crs": "EPSG:32633", "transform": Affine(10, 0, 5e5, 0, -10, 8e6)}
GEOGRAPHIC = {"crs": "EPSG:4326", "transform": Affine(0.001, 0, 20, 0, -0.0005, 75)}
POLAR = {"crs": "EPSG:3413", "transform": Affine(0, 250, -831466, 250, 0, -2098010)}
CORNERS = ((0.0, 0.0, 20.0, 75.0), (0.0, 40.0, 21.0, 75.1), (30.0, 0.0, 20.1, 74.0), (30.5, 40.0, 21.1, 74.1))
GCPS = {
    "crs": "EPSG:4326",
    "gcps": [GroundControlPoint(*corner, z=0.0, id=str(i), info="") for i, corner in enumerate(CORNERS)],
}
# The line falls with the latitude, the sample rises with the longitude and leans with the latitude.
RPCS = {
    "rpcs": RPC(
        height_off=10.0, height_scale=100.0, lat_off=75.0, lat_scale=0.5, long_off=20.0, long_scale=1.0,
        line_off=14.0, line_scale=15.0, line_num_coeff=[0.1, 0.0, -1.0] + [0.0] * 17,
        line_den_coeff=[1.0] + [0.0] * 19, samp_off=19.0, samp_scale=20.0,
        samp_num_coeff=[0.0, 1.0, 0.2] + [0.0] * 17, samp_den_coeff=[1.0] + [0.0] * 19,
        err_bias=None, err_rand=None,
    )
}  # fmt: skip
WAYS: dict[str, dict[str, Any]] = {
    "utm": UTM, "geographic": GEOGRAPHIC, "polar": POLAR, "gcps": GCPS, "rpcs": RPCS, "plain": {},
    "both": {**UTM, **RPCS},
}  # fmt: skip
# GeoTIFF's keys: version 1.1.0, three keys: projected, pixels are areas, UTM zone 33 north
GEO_KEYS = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633)


def write_placed(path: Path, image: np.ndarray, nodata: int | None = None, **place: Any) -> Path:
    """A GeoTIFF of uint8 [H, W, 3] at a place in rasterio's words."""
    height, width = image.shape[:2]
    size = {"height": height, "width": width, "count": 3, "dtype": "uint8", "nodata": nodata}
    with rasterio.open(path, "w", driver="GTiff", photometric="rgb", **size, **place) as file:
        file.write(np.moveaxis(image, 2, 0))
    return path


def write_turned(path: Path, image: np.ndarray, orientation: int, keys: tuple[int, ...] = GEO_KEYS) -> Path:
    """A GeoTIFF at UTM's place, of pixels as they are stored, which says how they are to be turned."""
    tags = [
        (274, "H", 1, orientation, True),
        (33550, "d", 3, (10.0, 10.0, 0.0), True),
        (33922, "d", 6, (0.0, 0.0, 0.0, 5e5, 8e6, 0.0), True),
        (34735, "H", len(keys), keys, True),
    ]
    return write_tiff(path, image, extratags=tags)


def placed_scenes(folder: Path) -> Path:
    """A folder with a scene of every way, a turned one, one with pixels without data, and a broken one."""
    folder.mkdir()
    for i, (name, place) in enumerate(WAYS.items()):
        write_placed(folder / f"{name}.tif", random_rgb(31, 41, i), **place)
    write_turned(folder / "turned.tif", random_rgb(31, 41, 50), 6)
    image = random_rgb(60, 70, 60)
    image[:20, 5:40] = 0
    write_placed(folder / "holes.tiff", image, nodata=0, **UTM)
    (folder / "broken.tif").write_text("no picture")
    return folder
