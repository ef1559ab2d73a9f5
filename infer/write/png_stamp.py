"""What a mask was made with, inside its PNG: a text chunk that a resumed run reads and that no viewer shows.

PNG specification, third edition, 11.3.3.2: a tEXt chunk is a keyword, a zero byte and Latin-1 text.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib

import numpy as np

from infer.settings import DEFAULT_THRESHOLD, PNG, Settings

KEYWORD = b"SeaIceRun"
_AFTER_HEADER = 33  # bytes: the signature and IHDR, which always comes first


def stamp_of(weights_sha256: str, settings: Settings) -> str:
    """Return 32 hexadecimal digits, equal where the weights and all settings that change a mask are equal."""
    facts: list[object] = [weights_sha256, settings.tile, settings.overlap]
    if settings.format != PNG:  # which has the stamp it always had
        facts.append(settings.format)
    if settings.threshold != DEFAULT_THRESHOLD:
        facts.append(["threshold", settings.threshold])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def put_stamp(png: np.ndarray, stamp: str) -> bytes:
    """Return the PNG file, uint8 [N], with the stamp in it; its pixels stay as they are."""
    content = png.tobytes()
    return content[:_AFTER_HEADER] + _chunk(stamp) + content[_AFTER_HEADER:]


def has_stamp(png: bytes, stamp: str) -> bool:
    """Tell whether a PNG file carries just this stamp."""
    return png[_AFTER_HEADER:].startswith(_chunk(stamp))


def _chunk(stamp: str) -> bytes:
    text = b"tEXt" + KEYWORD + b"\0" + stamp.encode()
    return struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
