"""What one reader of PNGs forgives and another one does not is found."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import pytest

from train_offline.judging.masks.audit import audit_mask


def png(rows: int = 96, bits: int = 8, colour: int = 0, extra: bytes = b"", more: int = 0) -> bytes:
    """A PNG of 96 x 96 by hand, with what can be wrong in one."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 96, 96, bits, colour, 0, 0, 0)
    line = b"\0" + bytes([255, 0]) * (48 * bits // 8)
    pixels = zlib.compress(line * (rows + more))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


TRANSPARENT = b"\0\0\0\x02tRNS\0\0" + struct.pack(">I", zlib.crc32(b"tRNS\0\0"))
HUGE = struct.pack(">I", 1_000_000_000) + b"teXt"


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (png(bits=4), "mode", "4 bits of grey"),
        (png(bits=2), "mode", "2 bits of grey"),
        (png(colour=2), "mode", "RGB"),
        (png(extra=TRANSPARENT), "mode", "transparent"),
        (png()[:-12], "partial", "ends in the middle"),
        (png()[:-5], "partial", "ends in the middle"),
        (png()[:20], "partial", "ends in the middle"),
        (png(rows=48), "partial", "before its last row"),
        (png(more=5), "unreadable", "too many rows"),
        (png() + b"x" * 4000, "unreadable", "4000 bytes follow"),
        (png()[:60] + b"?" + png()[61:], "unreadable", "check sum"),
        (png(extra=HUGE), "partial", "ends in the middle"),
        (b"", "partial", "ends in the middle"),
    ],
)
def test_what_one_reader_forgives_is_found(tmp_path: Path, content: bytes, kind: str, words: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png())
    assert audit_mask(path, ((96, 96),), None)[0] == []
    path.write_bytes(content)
    ((finding,), pixels) = audit_mask(path, ((96, 96),), None)
    assert (finding.kind, pixels) == (kind, None)
    assert words in finding.what


def test_a_sparse_giant_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png())
    os.truncate(path, 200 * 2**30)
    ((finding,), _) = audit_mask(path, ((96, 96),), None)
    assert (finding.kind, "more than its pixels can need" in finding.what) == ("unreadable", True)
