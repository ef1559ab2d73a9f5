"""Small whole scenes of every kind, as bytes: what the mutator starts from."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import tifffile

from tests.helpers.support import random_rgb

MAX_REAL = 400_000  # bytes of a real file that is taken; larger ones only make a campaign slower

RGB = random_rgb(56, 72)
GREY = RGB[..., 0]
WIDE = RGB.astype(np.uint16) * 200
PLANES = np.ascontiguousarray(np.moveaxis(RGB, -1, 0))
_ITEM = '<Item name="COLORINTERP" sample="{}" role="colorinterp">{}</Item>'
_ITEMS = "".join(_ITEM.format(band, role) for band, role in enumerate(("Blue", "Green", "Red")))
ROLES = (42112, "s", 0, f"<GDALMetadata>{_ITEMS}</GDALMetadata>", True)
COLOURS = np.arange(768, dtype=np.uint16).reshape(3, 256)
KINDS: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "challenge": (RGB, {"compression": "lzw", "predictor": True, "rowsperstrip": 5, "photometric": "rgb"}),
    "raw": (RGB, {"photometric": "rgb", "rowsperstrip": 9}),
    "tiles": (RGB, {"photometric": "rgb", "tile": (32, 32), "compression": "deflate"}),
    "big-endian": (RGB, {"photometric": "rgb", "byteorder": ">", "compression": "packbits"}),
    "bigtiff": (RGB, {"photometric": "rgb", "bigtiff": True, "compression": "zstd"}),
    "planar": (np.moveaxis(RGB, -1, 0), {"photometric": "rgb", "planarconfig": "separate"}),
    "jpeg": (RGB, {"photometric": "rgb", "compression": "jpeg", "tile": (32, 32)}),
    "webp": (RGB, {"photometric": "rgb", "compression": "webp"}),
    "jpeg2000": (RGB, {"photometric": "rgb", "compression": "jpeg2000"}),
    "lzma": (RGB, {"photometric": "rgb", "compression": "lzma"}),
    "lerc": (WIDE, {"photometric": "rgb", "compression": "lerc"}),
    "alpha": (np.dstack([RGB, GREY]), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "bands": (np.dstack([RGB, GREY, GREY]), {"photometric": "rgb"}),
    "grey": (GREY, {"photometric": "minisblack", "compression": "deflate", "predictor": True}),
    "white": (GREY, {"photometric": "miniswhite"}),
    "bit": (GREY > 128, {"photometric": "minisblack"}),
    "palette": (GREY, {"photometric": "palette", "colormap": COLOURS}),
    "cmyk": (np.dstack([RGB, GREY]), {"photometric": "separated"}),
    "wide": (WIDE, {"photometric": "rgb", "compression": "lzw", "predictor": True}),
    "float": (GREY - np.float32(99), {"photometric": "minisblack", "compression": "deflate", "predictor": 3}),
    "jpeg planes": (PLANES, {"photometric": "rgb", "planarconfig": "separate", "compression": "jpeg"}),
    "jpegxl": (RGB, {"photometric": "rgb", "compression": "jpegxl", "tile": (32, 32)}),
    "jpegxr": (RGB, {"photometric": "rgb", "compression": "jpegxr", "rowsperstrip": 20}),
    "jpegxr alpha": (np.dstack([RGB, GREY]), {"photometric": "rgb", "compression": "jpegxr"}),
    "png tiles": (RGB, {"photometric": "rgb", "compression": "png", "tile": (32, 32)}),
    "lerc alpha": (np.dstack([RGB, GREY]), {"photometric": "rgb", "compression": "lerc", "tile": (32, 32)}),
    "lerc planes": (PLANES, {"photometric": "rgb", "planarconfig": "separate", "compression": "lerc"}),
    "ycbcr": (RGB, {"photometric": "ycbcr", "subsampling": (1, 1), "rowsperstrip": 9}),
    "twelve bits": (GREY.astype(np.uint16) * 16, {"photometric": "minisblack", "bitspersample": 12}),
    "roles": (RGB, {"photometric": "minisblack", "planarconfig": "contig", "extratags": [ROLES]}),
    "nodata": (GREY, {"photometric": "minisblack", "extratags": [(42113, "s", 0, "7", True)]}),
}  # fmt: skip


def generated() -> dict[str, bytes]:
    """A file of each kind by its name, and a PNG, a JPEG, one of many pages and two with masks."""
    files = {}
    for name, (image, options) in KINDS.items():
        file = io.BytesIO()
        tifffile.imwrite(file, image, metadata=None, **options)
        files[name] = file.getvalue()
    pages = io.BytesIO()
    with tifffile.TiffWriter(pages) as writer:
        for kind in (1, 0, 0):  # a thumbnail first
            writer.write(RGB[:: kind + 1, :: kind + 1], photometric="rgb", subfiletype=kind, metadata=None)
    pictures = {name: cv2.imencode(f".{name}", RGB)[1].tobytes() for name in ("png", "jpg")}
    return files | {"pages": pages.getvalue(), "mask": _masked(), "lerc mask": _lerc_mask()} | pictures


def _masked() -> bytes:
    """A scene, smaller copies of it, and a mask."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(RGB, photometric="rgb", metadata=None, compression="zstd")
        writer.write(RGB[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
        writer.write(GREY > 128, photometric="mask", subfiletype=4, metadata=None, compression="packbits")
    return file.getvalue()


def _lerc_mask() -> bytes:
    """One strip of floating-point numbers whose stream has a mask of its own, inside ZSTD."""
    values = GREY.astype(np.float32)
    stream = imagecodecs.lerc_encode(values, masks=GREY > 60, compression="zstd")
    file = io.BytesIO()
    form: dict[str, Any] = {"shape": values.shape, "dtype": values.dtype, "rowsperstrip": len(values)}
    form |= {"compression": "lerc", "photometric": "minisblack", "metadata": None}
    tifffile.imwrite(file, iter([bytes(stream)]), **form)
    return file.getvalue()


def real(folder: Path) -> dict[str, bytes]:
    """The small TIFFs of a folder by their names."""
    paths = [path for path in sorted(folder.glob("*.tif*")) if path.stat().st_size <= MAX_REAL]
    return {path.name: path.read_bytes() for path in paths}
