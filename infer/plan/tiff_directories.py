"""A TIFF's directories, one for each of its images: the first value of each tag that this project looks at.

TIFF 6.0 (Adobe, 1992) and BigTIFF. Neither NumPy nor a TIFF library is imported: this runs first of all, for
every scene, on files that nobody has checked.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from infer.errors import HeaderError

MAX_TAGS = 4096
MAX_PAGES = 2**16  # of a file that are looked at; what lies behind them is said to be unseen
MAX_METADATA = 2**20  # bytes of GDAL's metadata in which the roles of bands are looked for
_REDUCED = 1  # in a directory's kind: a smaller copy of another image
_MASK = 4  # and: says which pixels of another image are there

KIND, METADATA, NODATA = 254, 42112, 42113
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
ORIENTATION, SAMPLES, PLANAR, SAMPLE_FORMAT = 274, 277, 284, 339
TILE_WIDTH, TILE_HEIGHT, STRIP_HEIGHT = 322, 323, 278
# The tags behind the fields of Header, in their order, and what an absent tag stands for (TIFF 6.0)
FACTS = {
    SAMPLES: 1,
    BITS: 1,
    SAMPLE_FORMAT: 1,
    COMPRESSION: 1,
    PHOTOMETRIC: -1,
    PLANAR: 1,
    ORIENTATION: 1,
}
_FOLLOWED = {
    KIND,
    WIDTH,
    HEIGHT,
    TILE_WIDTH,
    TILE_HEIGHT,
    STRIP_HEIGHT,
    *FACTS,
}  # other tags may point anywhere
# BYTE, SHORT, LONG, their signed kinds, IFD, LONG8, SLONG8 and IFD8: what whole numbers are stored as
_TYPES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}


@dataclass(frozen=True)
class _Form:
    """How a file's directories are written: byte order, and struct's formats of a count, an entry, a link."""

    order: str
    count: str
    entry: str
    link: str


@dataclass(frozen=True)
class Directory:
    """One image of a file: which one it is, and the first value of each of its tags."""

    number: int
    tags: dict[int, int]

    @property
    def is_mask(self) -> bool:
        """Whether it is the mask of a full image, not one that is a smaller copy of another mask."""
        return self.tags.get(KIND, 0) & (_REDUCED | _MASK) == _MASK

    @property
    def is_full(self) -> bool:
        """Whether it is neither a mask nor a smaller copy."""
        return not self.tags.get(KIND, 0) & (_REDUCED | _MASK)

    def has_size_of(self, other: Directory) -> bool:
        """Tell whether both images have the same height and width."""
        return all(self.tags.get(side) == other.tags.get(side) for side in (HEIGHT, WIDTH))


class Directories:
    """All images of a file, one after the other, to its end: each is read once.

    Iterating goes on where it stopped. A chain that leads back or is broken ends there; unseen is True where
    MAX_PAGES ended it.
    """

    def __init__(self, file: BinaryIO, form: _Form, place: int) -> None:
        self.unseen = False
        self._chain = self._follow(file, form, place)

    def __iter__(self) -> Iterator[Directory]:
        return self._chain

    def _follow(self, file: BinaryIO, form: _Form, place: int) -> Iterator[Directory]:
        seen: set[int] = set()
        while place and place not in seen:
            if len(seen) == MAX_PAGES:
                self.unseen = True
                return
            seen.add(place)
            try:
                tags, following = _read_directory(file, form, place)
            except (HeaderError, OSError, struct.error):
                if len(seen) == 1:
                    raise
                return
            yield Directory(len(seen) - 1, tags)
            place = following


def read_start(file: BinaryIO) -> tuple[_Form, int]:
    """Read the form of the directories and the place of the first one; raises HeaderError."""
    order = {b"II": "<", b"MM": ">"}.get(file.read(2))
    if order is None:
        raise HeaderError("not a TIFF file")
    (magic,) = _unpack(file, order + "H")
    if magic == 42:
        form = _Form(order, "H", "HHI4s", "I")
        (directory,) = _unpack(file, order + "I")
    elif magic == 43:  # BigTIFF: 64-bit offsets
        form = _Form(order, "Q", "HHQ8s", "Q")
        _, _, directory = _unpack(file, order + "HHQ")
    else:
        raise HeaderError("not a TIFF file")
    return form, directory


def _read_directory(file: BinaryIO, form: _Form, directory: int) -> tuple[dict[int, int], int]:
    """Read the first values of _FOLLOWED tags (1 for NODATA, METADATA with roles), and the next place."""
    order = form.order
    file.seek(min(directory, 2**62))
    (count,) = _unpack(file, order + form.count)
    if count > MAX_TAGS:
        raise HeaderError(f"the TIFF header claims {count} tags")
    size = struct.calcsize(order + form.entry)
    entries = file.read(size * count)
    link = file.read(struct.calcsize(order + form.link))
    tags = {}
    for tag, kind, number, value in struct.iter_unpack(
        order + form.entry, entries[: len(entries) // size * size]
    ):
        if tag in _FOLLOWED and kind in _TYPES and number and tag not in tags:
            tags[tag] = _first_value(file, order, _TYPES[kind], number, value)
        elif tag == NODATA or (tag == METADATA and _names_roles(file, order, number, value)):
            tags[tag] = 1
    whole = len(link) == struct.calcsize(order + form.link)
    return tags, struct.unpack(order + form.link, link)[0] if whole else 0


def _names_roles(file: BinaryIO, order: str, number: int, value: bytes) -> bool:
    """Tell whether GDAL's metadata say what bands are; where they are too long to be looked at, they may."""
    (offset,) = struct.unpack(order + ("I" if len(value) == 4 else "Q"), value)
    file.seek(min(offset, 2**62))
    return number > MAX_METADATA or b"colorinterp" in file.read(number).lower()


def _first_value(file: BinaryIO, order: str, kind: str, number: int, value: bytes) -> int:
    """Read the first of a tag's values: in the entry itself, or where it points if they do not fit there."""
    size = struct.calcsize(order + kind)
    if size * number > len(value):
        (offset,) = struct.unpack(order + ("I" if len(value) == 4 else "Q"), value)
        file.seek(min(offset, 2**62))
        value = file.read(size)
    return int(struct.unpack(order + kind, value[:size])[0])


def _unpack(file: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))
