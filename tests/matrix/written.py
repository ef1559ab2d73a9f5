"""Every way in which tifffile and GDAL can write the picture without loss."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import rasterio
import tifffile
from rasterio.enums import ColorInterp
from rasterio.io import DatasetWriter

from tests.matrix.picture import HOLE, NODATA, PICTURE, Form, forms

LAYOUTS: dict[str, dict[str, Any]] = {
    "strips": {"rowsperstrip": 7},
    "strip": {"rowsperstrip": 52},
    "tiles": {"tile": (32, 48)},
}
PREDICTED = ("lzw", "deflate", "zstd", "lzma")
LOSSLESS = {
    "webp": {"lossless": True},
    "jpeg2000": {"level": 0},
    "jpegxl": {"level": 101},
    "jpegxr": {"level": 100},
}
WHOLE_STREAMS = {  # codecs that hold an image of their own: the types they know, and whether four bands
    "webp": (("uint8",), True),
    "png": (("uint8", "uint16"), True),
    "jpeg2000": (("uint8", "uint16"), True),
    "jpegxl": (("uint8", "uint16", "float32"), True),
    "jpegxr": (("uint8", "uint16"), False),
}
CODECS = (None, "packbits", "lerc", *PREDICTED, *WHOLE_STREAMS)
GDAL_PREDICTED = ("LZW", "DEFLATE", "ZSTD")
GDAL_PREDICTED = ("LZW", "DEFLATE", "ZSTD")
GDAL_CODECS = ("NONE", "PACKBITS", "LERC", "LERC_ZSTD", "LERC_DEFLATE", "WEBP", *GDAL_PREDICTED, "LZMA")


@dataclass(frozen=True)
class Way:
    """by: tifffile, gdal or cog."""

    by: str
    codec: str | None
    layout: str
    planar: bool
    predictor: bool
    form: Form

    def __str__(self) -> str:
        shape = "planar" if self.planar else "contiguous"
        predictor = "predicted" if self.predictor else "plain"
        written = self.by, self.codec or "none", self.layout, shape, predictor
        return "-".join((*written, self.form.dtype, self.form.validity))

    @property
    def ends(self) -> tuple[bool, bool]:
        """Whether big-endian and whether BigTIFF, by chance, but for codecs that are never big-endian.

        tifffile hands big-endian samples to codecs that do not take them; libtiff's LERC swaps bytes before
        it encodes, and so loses the floating-point numbers that look like NaN then.
        """
        random = Random(str(self))
        codec = str(self.codec).lower()
        native = codec in WHOLE_STREAMS or (codec.startswith("lerc") and self.form.dtype != "uint8")
        return random.random() < 0.5 and not native, random.random() < 0.5

    def write(self, path: Path) -> None:
        {"tifffile": _by_tifffile, "gdal": _by_gdal, "cog": _by_gdal}[self.by](self, path)


def ways() -> list[Way]:
    return [*_ways_of_tifffile(), *_ways_of_gdal(), *_cogs()]


def _ways_of_tifffile() -> list[Way]:
    made = []
    for codec, layout, planar, form in product(CODECS, LAYOUTS, (False, True), forms()):
        if codec in WHOLE_STREAMS:
            dtypes, four = WHOLE_STREAMS[codec]
            if form.dtype not in dtypes or (form.validity == "alpha" and not four and not planar):
                continue
            if codec == "webp" and planar:
                continue
        for predictor in (False, True) if codec in PREDICTED else (False,):
            made.append(Way("tifffile", codec, layout, planar, predictor, form))
    return made


def _ways_of_gdal() -> list[Way]:
    made = []
    for codec, layout, planar, form in product(GDAL_CODECS, ("strips", "tiles"), (False, True), forms()):
        if codec == "WEBP" and (planar or form.dtype != "uint8"):
            continue
        for predictor in (False, True) if codec in GDAL_PREDICTED else (False,):
            made.append(Way("gdal", codec, layout, planar, predictor, form))
    return made


def _cogs() -> list[Way]:
    return [
        Way("cog", codec, "tiles", False, predictor, form)
        for codec, predictor, form in product(("NONE", "LZW", "ZSTD", "LERC", "WEBP"), (False, True), forms())
        if not (predictor and codec not in ("LZW", "ZSTD"))
        and not (codec == "WEBP" and form.dtype != "uint8")
    ]


def _by_tifffile(way: Way, path: Path) -> None:
    samples, (big_endian, bigtiff) = way.form.samples, way.ends
    options: dict[str, Any] = {**LAYOUTS[way.layout], "photometric": "rgb", "metadata": None}
    options |= {"compression": way.codec, "compressionargs": LOSSLESS.get(way.codec or "none")}
    options |= {"predictor": True} if way.predictor else {}
    options["planarconfig"] = "separate" if way.planar else "contig"
    if way.form.validity == "alpha":
        options["extrasamples"] = ["unassalpha"]
    if way.form.validity in ("nodata", "nan"):
        value = "nan" if way.form.validity == "nan" else str(NODATA[way.form.dtype])
        options["extratags"] = [(42113, "s", 0, value, True)]
    with tifffile.TiffWriter(path, bigtiff=bigtiff, byteorder=">" if big_endian else "<") as writer:
        writer.write(np.moveaxis(samples, -1, 0) if way.planar else samples, **options)
        if way.form.validity == "mask":
            for _ in range(9):  # smaller copies before it, as many as large scenes have
                writer.write(PICTURE[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
            writer.write(~HOLE, photometric="mask", subfiletype=4, metadata=None, compression="packbits")


def _by_gdal(way: Way, path: Path) -> None:
    samples, (big_endian, bigtiff) = way.form.samples, way.ends
    height, width, count = samples.shape
    options: dict[str, Any] = {"compress": way.codec, "bigtiff": "YES" if bigtiff else "NO"}
    if way.predictor and way.by == "cog":
        options["predictor"] = "YES"
    elif way.predictor:
        options["predictor"] = 3 if way.form.dtype == "float32" else 2
    if way.codec == "WEBP":
        options |= {"quality": 100} if way.by == "cog" else {"webp_lossless": "YES"}
    if way.by == "cog":
        options |= {"driver": "COG", "blocksize": 128, "overview_count": 1}
    else:
        options |= {"driver": "GTiff", "photometric": "RGB", "interleave": "band" if way.planar else "pixel"}
        options |= {"endianness": "BIG" if big_endian else "LITTLE"}
        tiles = {"tiled": True, "blockxsize": 48, "blockysize": 32}
        options |= tiles if way.layout == "tiles" else {"blockysize": 7}
    if way.form.validity in ("nodata", "nan"):
        options["nodata"] = np.nan if way.form.validity == "nan" else NODATA[way.form.dtype]
    size = {"height": height, "width": width, "count": count, "dtype": way.form.dtype}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **size, **options) as dataset:
        _fill(dataset, samples, way.form)


def _fill(dataset: DatasetWriter, samples: np.ndarray, form: Form) -> None:
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    dataset.colorinterp = [*colours, ColorInterp.alpha][: samples.shape[2]]
    dataset.write(np.moveaxis(samples, -1, 0))
    if form.validity == "mask":
        dataset.write_mask(~HOLE)


os.environ.setdefault("GDAL_PAM_ENABLED", "NO")  # no .aux.xml beside the files
