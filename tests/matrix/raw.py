"""TIFFs tag by tag, for what no library writes; and what GDAL makes of a file."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import ColorInterp

FORMATS = {1: "B", 2: "s", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 16: "Q"}  # of TIFF's types
BYTE, ASCII, SHORT, LONG, SBYTE, SSHORT, SLONG = 1, 2, 3, 4, 6, 8, 9
Tags = Mapping[int, tuple[int, Sequence[int] | bytes] | None]
BASE = 258, 259, 262, 277, 278, 284  # tags that raw() makes by itself, beside sizes, places and counts


def raw(path: Path, shape: tuple[int, int, int], parts: Sequence[bytes | bytearray], tags: Tags) -> Path:
    """A little-endian TIFF of one image [height, width, samples] in strips of equal height, or in tiles where
    the tags say so. tags: type and values by code, beside or in place of the usual ones; None: leave it out.
    """
    height, width, samples = shape
    rows = -(-height // len(parts))
    all_tags: dict[int, tuple[int, Sequence[int] | bytes] | None] = {
        256: (LONG, [width]), 257: (LONG, [height]), 258: (SHORT, [8] * samples), 259: (SHORT, [1]),
        262: (SHORT, [2 if samples > 2 else 1]), 277: (SHORT, [samples]), 278: (LONG, [rows]),
        284: (SHORT, [1]),
    }  # fmt: skip
    tiled = 322 in tags
    if tiled:
        all_tags[278] = None
    offsets = np.cumsum([8, *(len(part) for part in parts)])[:-1].tolist()
    all_tags[324 if tiled else 273] = (LONG, offsets)
    all_tags[325 if tiled else 279] = (LONG, [len(part) for part in parts])
    all_tags.update(tags)
    content = b"".join(parts)
    path.write_bytes(_with_directory(content, {code: tag for code, tag in sorted(all_tags.items()) if tag}))
    return path


def _with_directory(content: bytes, tags: dict[int, tuple[int, Sequence[int] | bytes]]) -> bytes:
    content += b"\0" * (-len(content) % 2)
    extra, entries = b"", []
    at = 8 + len(content) + 2 + 12 * len(tags) + 4
    for code, (kind, values) in tags.items():
        form = FORMATS[kind]
        packed = bytes(values) if kind == ASCII else struct.pack(f"<{len(values)}{form}", *values)
        if len(packed) > 4:
            place = struct.pack("<I", at + len(extra))
            extra += packed + b"\0" * (len(packed) % 2)
        else:
            place = packed.ljust(4, b"\0")
        entries.append(struct.pack("<HHI", code, kind, len(values)) + place)
    head = struct.pack("<2sHI", b"II", 42, 8 + len(content))
    return head + content + struct.pack("<H", len(tags)) + b"".join(entries) + b"\0\0\0\0" + extra


def by_gdal(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """[H, W, 3] as GDAL reads it, by the roles of the bands, and bool [H, W]: where it has data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path) as dataset:
            bands, roles = dataset.read(), list(dataset.colorinterp)
            valid = dataset.dataset_mask() != 0
    wanted = ColorInterp.red, ColorInterp.green, ColorInterp.blue
    alpha = ColorInterp.alpha
    if all(role in roles for role in wanted):
        chosen = [roles.index(role) for role in wanted]
    else:
        colours = [band for band, role in enumerate(roles) if role != alpha]
        chosen = colours[:3] if len(colours) >= 3 else colours[:1] * 3
    if alpha in roles:  # GDAL's own mask sees alpha in the last band alone
        valid &= bands[roles.index(alpha)] != 0
    if bands.dtype.kind == "f":
        valid &= np.isfinite(bands[chosen]).all(axis=0)
    return np.moveaxis(bands[chosen], 0, -1), valid
