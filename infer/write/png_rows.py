"""Masks as PNG some rows at a time, written and checked: for those that are too large to be whole in memory.

PNG specification, third edition (W3C): 5.3 chunks, 9 filters, 10 compression.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol

import numpy as np

from infer.write.png_stamp import put_stamp

SIGNATURE = b"\x89PNG\r\n\x1a\n"
NONE, UP = 0, 2  # filters: a row as it is, or what it adds to the row above
AT_ONCE = 2**24  # pixels that are packed or unpacked together
MIN_CHUNK = 2**20  # bytes of a chunk of pixels, the last one aside
_HEADER, _PIXELS, _END = b"IHDR", b"IDAT", b"IEND"


class RowSink(Protocol):
    """Takes a mask from the top to the bottom, some rows at a time."""

    def begin(self, shape: tuple[int, int]) -> None:
        """Begin a mask of this height and width; what was written of one that failed is forgotten."""

    def rows(self, y: int, mask: np.ndarray) -> None:
        """Take the next rows, uint8 [h, W] of 0, 255 and nodata, from row y on; raises OSError."""

    def end(self) -> None:
        """Finish the mask, all rows of which were given; raises OSError."""


class MaskRows(Protocol):
    """A mask uint8 [H, W], of which parts can be had; an array is one, too."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width."""

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Return rows, uint8 [h, W], that begin where the last ones have ended."""


class RowsInOrder:
    """A mask that is read once, from the top to the bottom."""

    def __init__(self, shape: tuple[int, int], source: Iterator[np.ndarray]) -> None:
        """source: gives all rows, uint8 [n, W]."""
        self.shape, self._source = shape, source
        self._next, self._left = 0, np.empty((0, shape[1]), np.uint8)

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Return the next rows; raises OSError where the file ends before."""
        assert rows.start == self._next, "only from the top to the bottom"
        some, count = [self._left], len(self._left)
        while count < rows.stop - rows.start:
            more = next(self._source, None)
            if more is None:
                raise OSError("the mask ends early")
            some.append(more)
            count += len(more)
        whole = np.concatenate(some)
        self._next, self._left = rows.stop, whole[rows.stop - rows.start :].copy()
        return whole[: rows.stop - rows.start]


class PngRows:
    """Writes an 8-bit grey PNG to an open file. stamp: what the mask is made with (see png_stamp)."""

    def __init__(self, file: BinaryIO, stamp: str | None) -> None:
        self._file, self._stamp = file, stamp
        self.begin((1, 1))

    def begin(self, shape: tuple[int, int]) -> None:
        """Begin a mask, in place of all that the file holds."""
        self._file.seek(0)
        self._file.truncate()
        height, width = shape
        header = SIGNATURE + _chunk(_HEADER, struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        stamped = put_stamp(np.frombuffer(header, np.uint8), self._stamp) if self._stamp else header
        self._file.write(stamped)
        # Runs of equal bytes are all there is.
        self._pack = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
        self._above = np.zeros((1, width), np.uint8)
        self._packed = bytearray()

    def rows(self, y: int, mask: np.ndarray) -> None:
        """Take the next rows, uint8 [h, W]."""
        step = max(1, AT_ONCE // mask.shape[1])
        for row in range(0, len(mask), step):
            some = mask[row : row + step]
            lines = np.empty((len(some), mask.shape[1] + 1), np.uint8)
            lines[:, 0] = UP
            lines[:, 1:] = some
            lines[0, 1:] -= self._above[0]
            lines[1:, 1:] -= some[:-1]
            self._above = some[-1:].copy()
            self._packed += self._pack.compress(lines.data)
            if len(self._packed) >= MIN_CHUNK:
                self._write_packed()

    def end(self) -> None:
        """Write what is left."""
        self._packed += self._pack.flush()
        self._write_packed()
        self._file.write(_chunk(_END, b""))

    def _write_packed(self) -> None:
        self._file.write(_chunk(_PIXELS, bytes(self._packed)))
        self._packed.clear()


def write_empty(sink: RowSink, shape: tuple[int, int], value: int) -> None:
    """Write a mask of this height and width, all of one value; raises OSError."""
    height, width = shape
    step = max(1, AT_ONCE // width)
    empty = np.full((min(step, height), width), value, np.uint8)
    sink.begin(shape)
    for row in range(0, height, step):
        sink.rows(row, empty[: height - row])
    sink.end()


def holds_mask(file: BinaryIO, shape: tuple[int, int], stamp: str | None = None) -> bool:
    """Tell whether an open file is a whole mask as PngRows writes it: of that size, of 0 and 255 only.

    stamp: and made with that. Only some rows are in memory at any time.
    """
    try:
        return sum(len(rows) for rows in read_rows(file, shape, stamp)) == shape[0]
    except OSError:
        return False


def read_rows(file: BinaryIO, shape: tuple[int, int], stamp: str | None = None) -> Iterator[np.ndarray]:
    """Yield the rows uint8 [n, W] of a mask in an open file, as PngRows writes it; raises OSError for others.

    stamp: is wanted, too, where it is not None.
    """
    height, width = shape
    start = SIGNATURE + _chunk(_HEADER, struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    wanted = put_stamp(np.frombuffer(start, np.uint8), stamp) if stamp else start
    if file.read(len(wanted)) != wanted:
        raise OSError("another PNG than masks by rows are")
    above = np.zeros((1, width), np.uint8)
    try:
        for lines in _lines(file, width + 1):
            rows = np.cumsum(np.concatenate((above, lines[:, 1:])), axis=0, dtype=np.uint8)[1:]
            if (lines[:, 0] != UP).any() or ((rows != 0) & (rows != 255)).any():
                raise ValueError("other rows than masks have")
            above = rows[-1:]
            yield rows
    except (ValueError, zlib.error, struct.error) as error:
        raise OSError(f"the mask is damaged: {error}") from error


def _lines(file: BinaryIO, length: int) -> Iterator[np.ndarray]:
    """Iterate over the lines of pixels, uint8 [n, length] each; raises ValueError where there is damage."""
    unpacker, left = zlib.decompressobj(), b""
    most = max(1, AT_ONCE // length) * length
    for packed in _packed(file):
        while packed:
            left += unpacker.decompress(packed, most - len(left))
            packed = unpacker.unconsumed_tail
            whole = len(left) // length
            if whole:
                yield np.frombuffer(left, np.uint8, whole * length).reshape(whole, length)
                left = left[whole * length :]
            elif unpacker.eof:
                break
    if left or not unpacker.eof or unpacker.unused_data:
        raise ValueError("the pixels end elsewhere")


def _packed(file: BinaryIO) -> Iterator[bytes]:
    """Iterate over the content of all chunks of pixels up to the end of the file; raises ValueError."""
    while True:
        length, name = struct.unpack(">I4s", file.read(8))
        if length > 2 * AT_ONCE:
            raise ValueError("a chunk that PngRows would not write")
        content, check = file.read(length), file.read(4)
        if len(content) < length or check != struct.pack(">I", zlib.crc32(content, zlib.crc32(name))):
            raise ValueError("a chunk is damaged")
        if name == _END:
            if file.read(1):
                raise ValueError("something follows the end")
            return
        if name == _PIXELS:
            yield content


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(content, zlib.crc32(name))
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)
