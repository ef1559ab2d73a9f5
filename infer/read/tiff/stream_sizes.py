"""Strips and tiles that are whole JPEG, PNG, WebP, JPEG 2000, XL or XR streams: whether their sizes fit.

A decoder believes its stream: one that is too small would be filled up with zeros, which pass for open water,
and a few bytes can claim gigabytes, whatever the limits. So the size is read before anything is decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import tifffile

from infer.errors import DecodeError
from infer.read.tiff import jpegxl
from infer.read.tiff.parts import chunk, parts_of

OLD_JPEG = 6  # whose parts may be bare scans; what has no header has no size of its own
JPEG = 7, 34892, 33007
MAX_BANDS = 4  # that a stream may have where its image has fewer
MCU = 16  # pixels to which a JPEG's writer may have rounded its sides up
_NO_SIZE = frozenset((0x01, *range(0xD0, 0xD9)))  # JPEG markers that stand alone
_NO_FRAME = frozenset((0xC4, 0xC8, 0xCC))  # of C0 to CF, those that begin no frame
_SCAN, _END = 0xDA, b"\xff\xd9"


@dataclass(frozen=True)
class Size:
    """Pixels of a stream, and how many bands it has; 0 where that is not looked at."""

    height: int
    width: int
    bands: int = 0


def refuse_misfits(page: tifffile.TiffPage) -> None:
    """Raise DecodeError where a stream does not cover its part of the image, or is larger than its place.

    A tile that is cropped at the edge of the image is whole.
    """
    codec = int(page.compression)
    name, size_of = _CODECS.get(codec, ("", None))
    if size_of is None:
        return
    height, width = chunk(page)
    if not page.is_tiled:  # JPEGs may be rounded up, and the last strip as high as all others
        height, width = -(-height // MCU) * MCU, -(-width // MCU) * MCU
    for part in parts_of(page):
        stream = part.stream(page)
        size = size_of(stream)
        if size is None and codec == OLD_JPEG:
            continue
        if size is None:
            raise DecodeError(f"a {name} stream that does not say its size")
        seen = part.shape
        if size.height < seen[0] or size.width < seen[1] or size.height > height or size.width > width:
            raise DecodeError(
                f"a {name} of {size.width}x{size.height} pixels for {seen[1]}x{seen[0]} of the image"
            )
        if size.bands > max(MAX_BANDS, page.samplesperpixel):
            raise DecodeError(f"a {name} of {size.bands} bands for an image of {page.samplesperpixel}")
        if codec in JPEG and not is_whole_jpeg(stream):
            raise DecodeError("a JPEG stream that is cut short")


def jpeg_size(stream: bytes) -> Size | None:
    """By its frame header (ITU T.81, B.2.2); None where there is none."""
    for marker, at in _jpeg_segments(stream):
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            frame = stream[at + 4 : at + 10]
            whole = len(frame) == 6
            return Size(_number(frame[1:3]), _number(frame[3:5]), frame[5]) if whole else None
    return None


def is_whole_jpeg(stream: bytes) -> bool:
    """Tell whether its scans come to their end: decoders fill what is missing up, and say nothing.

    Between scans, where a header could hold the marker by chance, a stream that was cut is not told.
    """
    scan = next((at for marker, at in _jpeg_segments(stream) if marker == _SCAN), -1)
    return scan >= 0 and stream.find(_END, scan) >= 0


def _jpeg_segments(stream: bytes) -> Iterator[tuple[int, int]]:
    """Iterate over markers and their places, up to and with the first scan (ITU T.81, B.1.1)."""
    at = stream.find(b"\xff")
    while 0 <= at < len(stream) - 1:
        marker = stream[at + 1]
        if marker in (0x00, 0xFF) or marker in _NO_SIZE:
            at = stream.find(b"\xff", at + (1 if marker == 0xFF else 2))
            continue
        yield marker, at
        if marker == _SCAN:
            return
        at = stream.find(b"\xff", at + 2 + max(2, _number(stream[at + 2 : at + 4])))


def _png_size(stream: bytes) -> Size | None:
    """PNG specification, 11.2.2: IHDR comes first."""
    if stream[:8] != b"\x89PNG\r\n\x1a\n" or stream[12:16] != b"IHDR" or len(stream) < 24:
        return None
    return Size(_number(stream[20:24]), _number(stream[16:20]))


def _jpeg2000_size(stream: bytes) -> Size | None:
    """By the SIZ segment (ITU T.800, A.5.1) of a codestream, bare or in JP2's box."""
    if stream[:4] != b"\xff\x4f\xff\x51":
        stream = next((body for kind, body in jpegxl.boxes(stream) if kind == b"jp2c"), b"")
    siz = stream[4:42]
    if stream[:4] != b"\xff\x4f\xff\x51" or len(siz) < 38:
        return None
    across, down, left, above = (_number(siz[at : at + 4]) for at in (4, 8, 12, 16))
    return Size(down - above, across - left, _number(siz[36:38]))


def _jpegxl_size(stream: bytes) -> Size | None:
    head = jpegxl.read_head(stream)
    if head is None:
        return None
    if head.is_animated:
        raise DecodeError("a JPEG XL animation")
    return Size(head.height, head.width, head.bands)


def _webp_size(stream: bytes) -> Size | None:
    """By the first chunk of its RIFF container (RFC 9649, 2.5 to 2.7; RFC 6386, 9.1)."""
    kind, body = stream[12:16], stream[20:30]
    if stream[:4] != b"RIFF" or stream[8:12] != b"WEBP" or len(body) < 10:
        return None
    if kind == b"VP8X":
        return Size(*(int.from_bytes(body[at : at + 3], "little") + 1 for at in (7, 4)))
    if kind == b"VP8L" and body[0] == 0x2F:
        sides = int.from_bytes(body[1:5], "little")
        return Size((sides >> 14 & 0x3FFF) + 1, (sides & 0x3FFF) + 1)
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return Size(*(int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (8, 6)))
    return None


def _jpegxr_size(stream: bytes) -> Size | None:
    """By the image header (ITU T.832, 8.3) at the place that the container's tags give (annex A)."""
    if stream[:3] != b"II\xbc":
        return None
    image, count, alpha = _jpegxr_places(stream)
    if image + count > len(stream) or alpha >= len(stream):  # jxrlib counts the whole stream as alpha's
        raise DecodeError("a JPEG XR stream that is cut short")
    head = stream[image:][:20]
    if not image or head[:8] != b"WMPHOTO\0" or len(head) < 20:
        return None
    side = 2 if head[10] & 0x80 else 4  # bytes
    width, height = (_number(head[12 + i * side : 12 + (i + 1) * side]) + 1 for i in range(2))
    return Size(height, width)


def _jpegxr_places(stream: bytes) -> list[int]:
    """Return where the image begins, its bytes, and where its alpha begins; 0 for what is not said."""
    ifd = int.from_bytes(stream[4:8], "little")
    entries = int.from_bytes(stream[ifd : ifd + 2], "little")
    values = dict.fromkeys((0xBCC0, 0xBCC1, 0xBCC2), 0)
    for at in range(ifd + 2, min(len(stream), ifd + 2 + 12 * entries), 12):
        tag = int.from_bytes(stream[at : at + 2], "little")
        if tag in values:
            values[tag] = int.from_bytes(stream[at + 8 : at + 12], "little")
    return list(values.values())


def _number(field: bytes) -> int:
    return int.from_bytes(field, "big")


_CODECS: dict[int, tuple[str, Callable[[bytes], Size | None]]] = {
    **dict.fromkeys((OLD_JPEG, *JPEG), ("JPEG", jpeg_size)),
    **dict.fromkeys((33003, 33004, 33005, 34712), ("JPEG 2000", _jpeg2000_size)),
    **dict.fromkeys((22610, 34934), ("JPEG XR", _jpegxr_size)),
    **dict.fromkeys((50002, 52546), ("JPEG XL", _jpegxl_size)),
    34933: ("PNG", _png_size),
    **dict.fromkeys((34927, 50001), ("WebP", _webp_size)),
}
