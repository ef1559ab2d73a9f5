"""Which scenes go through memory some rows at a time, and which are too large for any way."""

from __future__ import annotations

from infer.plan.tiff_header import Header
from infer.settings import HUGE_PIXELS, WHOLE_BYTES, WHOLE_PIXELS, SceneLimits

MAX_PARTS = 2**22  # strips or tiles of a scene: a list of their places takes some hundred bytes for each
MAX_PART_BYTES = 2**28  # of the samples that are decoded together at least: one row of tiles, or a strip
MAX_WIDTH = 2**17  # pixels: as many rows as a tile is high are held at once
_UNCOMPRESSED, _OLD_JPEG = 1, 6
_LAB = 8, 9, 10  # photometrics that are read by Pillow


def is_huge(header: Header, huge: int = HUGE_PIXELS) -> bool:
    """Tell whether a scene is made by rows: it has more pixels than `huge` and can be."""
    return header.height * header.width > huge and why_whole(header) is None


def why_whole(header: Header) -> str | None:
    """Return why a scene can only be decoded whole; None where some of its rows can be by themselves."""
    if header.is_picture:
        return "it is a picture under a TIFF's name"
    if header.orientation not in (1, 2, 3, 4):
        return "its rows are stored as columns"
    if header.compression == _OLD_JPEG or header.photometric in _LAB:
        return "its codec or its colours are only read whole"
    if header.width > MAX_WIDTH:
        return f"it is wider than {MAX_WIDTH} pixels"
    pixels = header.height * header.width
    parts = pixels // header.tile if header.tile else header.height // max(1, header.part_height)
    if parts > MAX_PARTS:
        return f"it has more than {MAX_PARTS} strips or tiles"
    if not header.tile and header.compression == _UNCOMPRESSED:
        return None  # its rows lie one after the other, whatever the strips
    if part_bytes(header) > MAX_PART_BYTES:
        return f"a row of its strips or tiles has {part_bytes(header)} bytes"
    return None


def part_bytes(header: Header) -> int:
    """Return the bytes of samples of one row of tiles, or one strip."""
    return header.bytes // max(1, header.height) * max(1, header.part_height)


def refusal(header: Header, limits: SceneLimits) -> str | None:
    """Return why a scene is too large to be made; None where it is not."""
    pixels = header.height * header.width
    beyond = limits.exceeded_by(pixels, header.bytes)
    if beyond is None and (pixels > WHOLE_PIXELS or header.bytes > WHOLE_BYTES):
        why = why_whole(header)
        what = f"{pixels} pixels" if pixels > WHOLE_PIXELS else f"{header.bytes} bytes of samples"
        return f"{what}, too many to be decoded whole, and {why}" if why else None
    return beyond
