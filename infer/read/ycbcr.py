"""YCbCr outside of JPEG: libtiff makes RGB of it, as it does for GDAL, once its parts are known to be whole.

TIFF 6.0, section 21: chroma may be subsampled, and the samples of hs x vs pixels then lie together.
"""

from __future__ import annotations

from collections.abc import Callable

import imagecodecs
import numpy as np
import tifffile

from infer.read import libtiff
from infer.read.errors import DecodeError
from infer.read.parts import SEPARATE, chunk, part_shape
from infer.tiff_header import Header

YCBCR = 6
_SUBSAMPLING = 530
_INFLATE: dict[int, Callable[..., bytes]] = {
    5: imagecodecs.lzw_decode,
    8: imagecodecs.zlib_decode,
    32946: imagecodecs.zlib_decode,
    32773: imagecodecs.packbits_decode,
    34925: imagecodecs.lzma_decode,
    50000: imagecodecs.zstd_decode,
}
_FLIPPED_ACROSS, _FLIPPED_DOWN = (2, 3, 6, 7), (3, 4, 7, 8)  # orientations that libtiff's RGBA reader undoes


def is_stored_as_ycbcr(page: tifffile.TiffPage) -> bool:
    return int(page.photometric) == YCBCR and int(page.compression) in (1, *_INFLATE)


def read_ycbcr(page: tifffile.TiffPage, file: np.ndarray, header: Header) -> np.ndarray:
    """uint8 [H, W, 3] RGB, as stored: not turned. Raises DecodeError where a part is short or damaged."""
    if header.bits != 8 or header.samples != 3:
        raise DecodeError(f"YCbCr of {header.samples} samples of {header.bits} bits")
    _refuse_short_parts(page)
    rgb = libtiff.decode(file, header.page, planar=False)
    if rgb.shape[2] != 3:
        raise DecodeError(f"YCbCr that libtiff reads as {rgb.shape[2]} bands")
    if header.orientation in _FLIPPED_ACROSS:
        rgb = rgb[:, ::-1]
    if header.orientation in _FLIPPED_DOWN:
        rgb = rgb[::-1]
    return rgb


def _refuse_short_parts(page: tifffile.TiffPage) -> None:
    """libtiff's RGBA reader goes on where data end early or are damaged."""
    across, down = (int(value) for value in page.tags.valueof(_SUBSAMPLING, (2, 2)))
    if across not in (1, 2, 4) or down not in (1, 2, 4):
        raise DecodeError(f"chroma subsampled by {across} and {down}")
    for index, (place, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=False)):
        rows, columns = chunk(page) if page.is_tiled else part_shape(page, index)
        wanted = rows * columns
        if page.planarconfig != SEPARATE:
            wanted = -(-columns // across) * -(-rows // down) * (across * down + 2)
        page.parent.filehandle.seek(place)
        data = page.parent.filehandle.read(count)
        if page.compression in _INFLATE:
            data = _INFLATE[int(page.compression)](data, out=2 * wanted + 1024)
        if len(data) < wanted:
            raise DecodeError(f"{len(data)} bytes of YCbCr where {wanted} are needed")
