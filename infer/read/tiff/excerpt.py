"""Some rows of a TIFF as a TIFF of its own, in memory: any reader takes it, and none sees the rest.

Only the strips or tiles that hold these rows are read, as they are; nothing is decoded here.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tifffile

from infer.errors import DecodeError
from infer.read.tiff.parts import chunk

HEIGHT, STRIP_HEIGHT = 257, 278
_PLACES, _COUNTS = {False: 273, True: 324}, {False: 279, True: 325}  # tags of strips, of tiles
# What says how samples are stored and what they mean: TIFF 6.0, its supplements, LERC's, and GDAL's.
_KEPT = (
    *(254, 256, 258, 259, 262, 266, 277, 278, 284, 292, 293, 317, 320, 322, 323, 332, 334, 336, 338, 339),
    *(340, 341, 347, 529, 530, 531, 532, 32997, 42112, 42113, 50674),
)
_LONG, _LONG8 = 4, 16  # TIFF's numbers for types


@dataclass(frozen=True)
class Layout:
    """Where the parts of a page lie: rows of pixels in each, and uint64 [bands, rows, columns] of the file.

    places, counts: in bytes, 0 for what was never written. `bands` is 1 where samples lie together.
    """

    height: int
    places: np.ndarray
    counts: np.ndarray

    @cached_property
    def written(self) -> np.ndarray:
        """Whether each part was written, bool [bands, rows, columns]."""
        written: np.ndarray = self.places > 0
        return written

    @property
    def donor(self) -> tuple[int, int]:
        """Place and count of the first part that was written, which others borrow (see lend_places)."""
        first = int(np.argmax(self.written.reshape(-1)))
        return int(self.places.flat[first]), int(self.counts.flat[first])


def layout_of(page: tifffile.TiffPage, written: np.ndarray, row_bytes: int | None, most: int) -> Layout:
    """Return where the parts of a page lie; strips that are higher than `most` bytes are cut into lower ones.

    written: as written_parts gives it. row_bytes: of one row of an uncompressed strip, None for all else.
    """
    places, counts = (
        np.array(list(values)[: written.size], np.uint64).reshape(written.shape)
        for values in (page.dataoffsets, page.databytecounts)
    )
    height: int = chunk(page)[0]
    if row_bytes is None or height * row_bytes <= most or not written.all():
        return Layout(height, places, counts)
    wanted = max(1, most // row_bytes)
    if written.shape[1] > 1:  # a new strip must not reach over the end of an old one
        wanted = next(rows for rows in range(min(wanted, height), 0, -1) if height % rows == 0)
    per_band = places.reshape(written.shape[0], -1)  # strips
    starts = np.arange(0, page.imagelength, wanted)
    rows = np.minimum(wanted, page.imagelength - starts)
    inside = (starts % height * row_bytes).astype(np.uint64)
    cut = per_band[:, starts // height] + inside
    sizes = np.broadcast_to((rows * row_bytes).astype(np.uint64), cut.shape)
    return Layout(wanted, cut[..., np.newaxis], sizes[..., np.newaxis])


@dataclass(frozen=True)
class Excerpt:
    """content: a TIFF of some rows. written: of its parts, bool [bands, rows, columns].

    donor: place and count, in `content`, of the part that those borrow that were never written.
    """

    content: bytes
    written: np.ndarray
    donor: tuple[int, int]

    @contextmanager
    def open(self) -> Iterator[tifffile.TiffFile]:
        """Give it as tifffile reads it."""
        # Closed at once: tifffile's objects refer to each other, and would keep it for long.
        with io.BytesIO(self.content) as file, tifffile.TiffFile(file) as tiff:
            yield tiff


def excerpt(file: int, page: tifffile.TiffPage, layout: Layout, first: int, last: int) -> Excerpt:
    """Return the rows of the strips or tiles number `first` to `last` (exclusive), counted downwards.

    file: a descriptor. Raises DecodeError where the file ends too early or cannot be read.
    """
    top, bottom = first * layout.height, min(last * layout.height, page.imagelength)
    places, counts = layout.places[:, first:last], layout.counts[:, first:last]
    written = layout.written[:, first:last]
    tags = {code: _stored(file, page, code) for code in _KEPT if code in page.tags}
    tags[HEIGHT] = (_LONG, 1, struct.pack(page.parent.byteorder + "I", bottom - top))
    if not page.is_tiled:
        tags[STRIP_HEIGHT] = (_LONG, 1, struct.pack(page.parent.byteorder + "I", layout.height))
    streams = _read_all(file, places.reshape(-1), counts.reshape(-1))
    donor = b"" if written.all() else _read(file, *layout.donor)
    wide = page.parent.is_bigtiff
    kind, size = (_LONG8, 8) if wide else (_LONG, 4)
    tags |= {
        codes[page.is_tiled]: (kind, counts.size, bytes(size * counts.size)) for codes in (_PLACES, _COUNTS)
    }
    start = len(_directory(page, tags))
    lengths = np.array([len(stream) for stream in streams], np.uint64)
    own = np.where(written.reshape(-1), start + np.cumsum(lengths) - lengths, 0)
    for codes, values in ((_PLACES, own), (_COUNTS, lengths)):
        written_out = values.astype(f"{page.parent.byteorder}u{size}").tobytes()
        tags[codes[page.is_tiled]] = (kind, counts.size, written_out)
    content = b"".join((_directory(page, tags), *streams, donor))
    return Excerpt(content, written, (start + int(lengths.sum()), len(donor)))


def _stored(file: int, page: tifffile.TiffPage, code: int) -> tuple[int, int, bytes]:
    """Return a tag's type, its count and its values as they are stored."""
    tag = page.tags[code]
    return int(tag.dtype), int(tag.count), _read(file, tag.valueoffset, tag.valuebytecount)


def _directory(page: tifffile.TiffPage, tags: dict[int, tuple[int, int, bytes]]) -> bytes:
    """Return a TIFF's first bytes, up to the samples of its only image."""
    order, wide = page.parent.byteorder, page.parent.is_bigtiff
    mark = b"II" if order == "<" else b"MM"
    head = mark + (struct.pack(order + "HHHQ", 43, 8, 0, 16) if wide else struct.pack(order + "HI", 42, 8))
    count, entry, link, room = ("Q", "HHQ", "Q", 8) if wide else ("H", "HHI", "I", 4)
    size = struct.calcsize(order + entry) + room
    behind = len(head) + struct.calcsize(order + count + link) + size * len(tags)
    entries, values = [struct.pack(order + count, len(tags))], []
    for code, (kind, number, value) in sorted(tags.items()):
        field = value.ljust(room, b"\0")
        if len(value) > room:
            field = struct.pack(order + link, behind)
            values.append(value + bytes(-len(value) % 8))
            behind += len(values[-1])
        entries.append(struct.pack(order + entry, code, kind, number) + field)
    return b"".join((head, *entries, struct.pack(order + link, 0), *values))


def _read_all(file: int, places: np.ndarray, counts: np.ndarray) -> list[bytes]:
    return [_read(file, int(p), int(c)) if p else b"" for p, c in zip(places, counts, strict=True)]


def _read(file: int, place: int, count: int) -> bytes:
    try:
        content = os.pread(file, count, place)
    except OSError as error:
        raise DecodeError(error.strerror or str(error)) from error
    if len(content) < count:
        raise DecodeError("the file is cut short: part of the image is missing")
    return content
