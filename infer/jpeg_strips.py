"""JPEG strips and tiles of a TIFF that hold fewer pixels than the image claims."""

from __future__ import annotations

from io import BytesIO

import tifffile

from infer.decode import DecodeError
from infer.holes import SEPARATE, chunk

_JPEG = 7  # of a page's compression


def refuse_small_jpegs(page: tifffile.TiffPage) -> None:
    """Raises DecodeError where one is narrower or lower than its place, as libtiff does.

    tifffile fills up with zeros, which pass for open water; a false width of 65535 costs seconds besides.
    """
    if page.compression != _JPEG or page.planarconfig == SEPARATE:
        return
    height, width = chunk(page)
    file = page.parent.filehandle
    for index, (place, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=False)):
        rows = height if page.is_tiled else min(height, page.imagelength - index * height)
        file.seek(place)
        size = _size(file.read(count)) if place and rows > 0 else None
        if size and (size[0] < width or size[1] < rows):
            raise DecodeError(f"a JPEG of {size[0]}x{size[1]} pixels in the place of {width}x{rows}")


def _size(stream: bytes) -> tuple[int, int] | None:
    """Width and height by its header; None where there is none, which its decoder will tell."""
    from PIL import Image  # seldom needed

    try:
        with Image.open(BytesIO(stream), formats=("JPEG",)) as image:
            return image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
