"""The head of a JPEG XL stream: size, bands, and whether it is an animation (ISO/IEC 18181-1, annex D)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

ENOUGH = 4096  # bytes of a codestream in which its head ends
_SIGNATURE = b"\xff\x0a"
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}  # width to height
# A number is stored as two bits that choose among these: what is added to how many bits
_SIDE = (1, 9), (1, 13), (1, 18), (1, 30)
_PREVIEW_EIGHTHS = (16, 0), (32, 0), (1, 5), (33, 9)
_PREVIEW_SIDE = (1, 6), (65, 8), (321, 10), (1345, 12)
_WHOLE_BITS, _FLOAT_BITS = ((8, 0), (10, 0), (12, 0), (1, 6)), ((32, 0), (16, 0), (24, 0), (1, 6))
_EXTRA_CHANNELS = (0, 0), (1, 0), (2, 4), (1, 12)
_COLOURS = 3


@dataclass(frozen=True)
class Head:
    """Pixels as the decoder turns them upright; bands: three of colour, or one in their place, and others."""

    height: int
    width: int
    bands: int
    is_animated: bool


def read_head(stream: bytes) -> Head | None:
    """Read the head of a bare codestream or of one in boxes; None where there is none."""
    codestream = stream[:ENOUGH] if stream[:2] == _SIGNATURE else _out_of_boxes(stream)
    if codestream[:2] != _SIGNATURE:
        return None
    bits = _Bits(codestream[2:])
    try:
        return _read(bits)
    except IndexError:
        return None


def boxes(stream: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each box of an ISO base media file, JPEG 2000's and JPEG XL's container."""
    at = 0
    while at + 8 <= len(stream):
        size, kind, head = int.from_bytes(stream[at : at + 4], "big"), stream[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(stream[at + 8 : at + 16], "big"), 16
        end = len(stream) if size == 0 else at + size
        if end < at + head:
            return
        yield kind, stream[at + head : end]
        at = end


def _out_of_boxes(stream: bytes) -> bytes:
    codestream = b""
    for kind, body in boxes(stream):
        if kind == b"jxlc":
            return body[:ENOUGH]
        if kind == b"jxlp":  # a piece, behind its number
            codestream += body[4 : 4 + ENOUGH]
        if len(codestream) >= ENOUGH:
            break
    return codestream


class _Bits:
    """Bits of a codestream, the lowest of each byte first; IndexError at its end."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def take(self, count: int) -> int:
        value = 0
        for i in range(count):
            value |= (self._content[self._at >> 3] >> (self._at & 7) & 1) << i
            self._at += 1
        return value

    def number(self, choices: tuple[tuple[int, int], ...]) -> int:
        added, count = choices[self.take(2)]
        return added + self.take(count)


def _read(bits: _Bits) -> Head:
    height, width = _size(bits)
    turned, animated, extra = 0, False, 0
    if not bits.take(1):  # not all is as usual
        if bits.take(1):
            turned = bits.take(3)
            if bits.take(1):  # the size at which it is meant to be seen
                _size(bits)
            if bits.take(1):
                _skip_preview(bits)
            animated = bool(bits.take(1))
        if not animated:
            extra = _extra_channels(bits)
    if turned >= 4:
        height, width = width, height
    return Head(height, width, _COLOURS + extra, animated)


def _size(bits: _Bits) -> tuple[int, int]:
    """Height and width, in pixels."""
    eighths = bits.take(1)

    def side() -> int:
        return 8 * (bits.take(5) + 1) if eighths else bits.number(_SIDE)

    height = side()
    ratio = bits.take(3)
    return height, height * _RATIOS[ratio][0] // _RATIOS[ratio][1] if ratio else side()


def _skip_preview(bits: _Bits) -> None:
    choices = _PREVIEW_EIGHTHS if bits.take(1) else _PREVIEW_SIDE
    bits.number(choices)
    if not bits.take(3):
        bits.number(choices)


def _extra_channels(bits: _Bits) -> int:
    is_float = bits.take(1)
    bits.number(_FLOAT_BITS if is_float else _WHOLE_BITS)
    if is_float:
        bits.take(4)  # of the exponent
    bits.take(1)  # whether 16 bits suffice for buffers
    return bits.number(_EXTRA_CHANNELS)
