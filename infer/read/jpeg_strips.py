"""JPEG strips and tiles of a TIFF whose own size does not fit the image."""

from __future__ import annotations

from io import BytesIO

import tifffile
from PIL import Image

from infer.read.coverage import MOST_PADDING, chunk
from infer.read.decoder import DecodeError

_HEAD = 2**16  # bytes of a JPEG in which its size stands


def refuse_misfit_jpegs(page: tifffile.TiffPage) -> None:
    """Raises DecodeError where one does not cover its part of the image, or is far larger than its place.

    tifffile would fill up the first with zeros, which pass for open water, and allocate the second by its own
    header, whatever the limits. A tile that is cropped at the edge of the image is whole.
    """
    Image.MAX_IMAGE_PIXELS = None  # only headers are read
    height, width = chunk(page)
    rows, columns = -(-page.imagelength // height), -(-page.imagewidth // width)
    for index, (place, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=False)):
        row, column = divmod(index % (rows * columns), columns)  # each band may have its own
        seen = min(width, page.imagewidth - column * width), min(height, page.imagelength - row * height)
        page.parent.filehandle.seek(place)
        size = _size(page.parent.filehandle.read(min(count, _HEAD))) if place else None
        if size is None:
            continue
        if size[0] < seen[0] or size[1] < seen[1] or size[0] * size[1] > MOST_PADDING + 4 * height * width:
            raise DecodeError(f"a JPEG of {size[0]}x{size[1]} pixels for {seen[0]}x{seen[1]} of the image")


def _size(stream: bytes) -> tuple[int, int] | None:
    """Width and height by its header; None where there is none, which its decoder will tell."""
    try:
        with Image.open(BytesIO(stream), formats=("JPEG",)) as image:
            return image.size
    except (OSError, SyntaxError, ValueError):
        return None
