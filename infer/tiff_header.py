"""The facts of a TIFF's first image, read from its tags without touching a pixel.

TIFF 6.0 (Adobe, 1992) and BigTIFF. Neither NumPy nor a TIFF library is imported: this runs first of all, for
every scene, on files that nobody has checked.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_PIXELS = 2**29  # 23,170 x 23,170; a header that claims more is taken for a lie
MAX_SIDE = 1_000_000  # of a PNG, by libpng's own limit
MAX_TAGS = 4096

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_ORIENTATION, _SAMPLES, _PLANAR, _SAMPLE_FORMAT = 274, 277, 284, 339
# The tags behind the fields of Header, in their order, and what an absent tag stands for (TIFF 6.0)
_FACTS = {
    _SAMPLES: 1,
    _BITS: 1,
    _SAMPLE_FORMAT: 1,
    _COMPRESSION: 1,
    _PHOTOMETRIC: -1,
    _PLANAR: 1,
    _ORIENTATION: 1,
}
_TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}  # BYTE, SHORT, LONG, LONG8: what these tags are stored as


class HeaderError(ValueError):
    """The header cannot be read; the message says why."""


@dataclass(frozen=True)
class Header:
    """Size in pixels, and how the samples are stored (TIFF's own code numbers)."""

    height: int
    width: int
    samples: int
    bits: int
    sample_format: int
    compression: int
    photometric: int
    planar: int
    orientation: int

    @property
    def is_plain_rgb(self) -> bool:
        """8-bit interleaved RGB, with or without alpha, not as JPEG: every decoder gives the same pixels."""
        return (
            (self.bits, self.sample_format, self.photometric, self.planar) == (8, 1, 2, 1)
            and self.samples in (3, 4)
            and self.compression in (1, 5, 8, 32946)  # none, LZW, Deflate
            and self.orientation == 1
        )


def read_header(path: Path) -> Header:
    """Header of the first image in a TIFF file; raises HeaderError when there is none to be read."""
    try:
        with open(path, "rb") as file:
            tags = _read_tags(file)
    except OSError as error:
        raise HeaderError(error.strerror or str(error)) from error
    except struct.error:
        raise HeaderError("the TIFF header is cut short") from None
    if _WIDTH not in tags or _HEIGHT not in tags:
        raise HeaderError("the TIFF header gives no size")
    height, width = tags[_HEIGHT], tags[_WIDTH]
    if not 0 < height * width <= MAX_PIXELS or max(height, width) > MAX_SIDE:
        raise HeaderError(f"the TIFF header claims {height}x{width} pixels")
    return Header(height, width, *(tags.get(tag, default) for tag, default in _FACTS.items()))


def _read_tags(file: BinaryIO) -> dict[int, int]:
    """First value of each tag of the first directory that holds whole numbers."""
    order = {b"II": "<", b"MM": ">"}.get(file.read(2))
    if order is None:
        raise HeaderError("not a TIFF file")
    (magic,) = _unpack(file, order + "H")
    if magic == 42:
        count_format, entry_format = "H", "HHI4s"
        (directory,) = _unpack(file, order + "I")
    elif magic == 43:  # BigTIFF: 64-bit offsets
        count_format, entry_format = "Q", "HHQ8s"
        _, _, directory = _unpack(file, order + "HHQ")
    else:
        raise HeaderError("not a TIFF file")
    file.seek(min(directory, 2**62))
    (count,) = _unpack(file, order + count_format)
    if count > MAX_TAGS:
        raise HeaderError(f"the TIFF header claims {count} tags")
    size = struct.calcsize(order + entry_format)
    entries = file.read(size * count)
    tags = {}
    for tag, kind, number, value in struct.iter_unpack(
        order + entry_format, entries[: len(entries) // size * size]
    ):
        if kind in _TYPES and number and tag not in tags:
            tags[tag] = _first_value(file, order, _TYPES[kind], number, value)
    return tags


def _first_value(file: BinaryIO, order: str, kind: str, number: int, value: bytes) -> int:
    """First of a tag's values: in the entry itself, or where the entry points when they do not fit there."""
    size = struct.calcsize(order + kind)
    if size * number > len(value):
        (offset,) = struct.unpack(order + ("I" if len(value) == 4 else "Q"), value)
        file.seek(min(offset, 2**62))
        value = file.read(size)
    return struct.unpack(order + kind, value[:size])[0]


def _unpack(file: BinaryIO, form: str) -> tuple:
    return struct.unpack(form, file.read(struct.calcsize(form)))
