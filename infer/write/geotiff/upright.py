"""From pixels as a TIFF stores them to those of the upright image, by TIFF's code numbers 1 to 8.

GDAL counts pixels as they are stored, whatever the orientation; our masks are upright. Upright is made by
exchanging rows and columns (5, 6, 7, 8), then flipping columns (2, 3, 6, 7), then rows (3, 4, 7, 8); compare
infer/read/tiff/tifffile_reader.py. shape is always the height and width of the upright image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SWAPPED, COLUMNS_FLIPPED, ROWS_FLIPPED = (5, 6, 7, 8), (2, 3, 6, 7), (3, 4, 7, 8)


def turn_transform(transform: Any, shape: tuple[int, int], orientation: int) -> Any:
    """Return the affine of the upright image for that of the stored one."""
    affine = type(transform)
    height, width = shape
    if orientation in ROWS_FLIPPED and orientation in COLUMNS_FLIPPED:
        flips = affine(-1, 0, width, 0, -1, height)
    elif orientation in ROWS_FLIPPED:
        flips = affine(1, 0, 0, 0, -1, height)
    elif orientation in COLUMNS_FLIPPED:
        flips = affine(-1, 0, width, 0, 1, 0)
    else:
        flips = affine.identity()
    swap = affine(0, 1, 0, 1, 0, 0) if orientation in SWAPPED else affine.identity()
    return transform * swap * flips


def turn_gcps(gcps: Sequence[Any], shape: tuple[int, int], orientation: int) -> list[Any]:
    """Return ground control points of the upright image for rasterio's of the stored one."""
    height, width = shape
    turned = []
    for one in gcps:
        row, col = (one.col, one.row) if orientation in SWAPPED else (one.row, one.col)
        col = width - col if orientation in COLUMNS_FLIPPED else col
        row = height - row if orientation in ROWS_FLIPPED else row
        turned.append(type(one)(row, col, one.x, one.y, one.z, one.id, one.info))
    return turned


def turn_rpcs(rpcs: Any, shape: tuple[int, int], orientation: int) -> Any:
    """Return rational polynomials of the upright image for rasterio's of the stored one.

    Here whole numbers are the centres of pixels (NITF's STDI-0002, RPC00B), so flips end at size - 1.
    """
    height, width = shape
    line, samp = _of_axis(rpcs, "line"), _of_axis(rpcs, "samp")
    if orientation in SWAPPED:
        line, samp = samp, line
    line = _flipped(line, height) if orientation in ROWS_FLIPPED else line
    samp = _flipped(samp, width) if orientation in COLUMNS_FLIPPED else samp
    ground = ("height", "lat", "long")
    same = {f"{axis}_{what}": getattr(rpcs, f"{axis}_{what}") for axis in ground for what in ("off", "scale")}
    lines = {f"line_{what}": value for what, value in line.items()}
    samps = {f"samp_{what}": value for what, value in samp.items()}
    return type(rpcs)(**same, **lines, **samps, err_bias=rpcs.err_bias, err_rand=rpcs.err_rand)


def _of_axis(rpcs: Any, axis: str) -> dict[str, Any]:
    return {what: getattr(rpcs, f"{axis}_{what}") for what in ("off", "scale", "num_coeff", "den_coeff")}


def _flipped(axis: dict[str, Any], size: int) -> dict[str, Any]:
    negative = [-number for number in axis["num_coeff"]]
    return {**axis, "off": size - 1 - axis["off"], "num_coeff": negative}
