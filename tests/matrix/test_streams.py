"""Streams of another size than their image: bombs are refused before they are decoded."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile

from tests.matrix.like_gdal import (
    GREY,
    JPEG,
    LERC,
    WEBP,
    H,
    W,
    decode,
)
from tests.matrix.picture import PICTURE
from tests.matrix.raw import LONG, SHORT, Tags, raw

BOMB = np.zeros((4000, 4000), np.uint8)
Encode = Callable[[np.ndarray], bytes | bytearray]
BOMBS: dict[str, tuple[int, Encode]] = {
    "PNG": (34933, imagecodecs.png_encode),
    "JPEG 2000": (34712, imagecodecs.jpeg2k_encode),
    "JPEG 2000 in JP2": (34712, lambda image: imagecodecs.jpeg2k_encode(image, codecformat="jp2")),
    "JPEG XL": (50002, imagecodecs.jpegxl_encode),
    "JPEG XL in boxes": (50002, lambda image: imagecodecs.jpegxl_encode(image, usecontainer=True)),
    "JPEG XR": (34934, imagecodecs.jpegxr_encode),
    "JPEG": (JPEG, imagecodecs.jpeg8_encode),
    "WebP with loss": (WEBP, lambda image: imagecodecs.webp_encode(np.dstack([image] * 3), level=80)),
    "WebP with alpha": (WEBP, lambda image: imagecodecs.webp_encode(np.dstack([image] * 4), level=80)),
    "WebP": (WEBP, lambda image: imagecodecs.webp_encode(np.dstack([image] * 3), lossless=True)),
    "LERC": (LERC, imagecodecs.lerc_encode),
    "LERC in Deflate": (LERC, lambda image: imagecodecs.lerc_encode(image, compression="deflate")),
    "LERC in ZSTD": (LERC, lambda image: imagecodecs.lerc_encode(image, compression="zstd")),
}


def assert_refused_in_little_memory(folder: Path) -> None:
    """NumPy's arrays are what tracemalloc sees: decoded, a bomb takes 16 MB."""
    tracemalloc.start()
    try:
        error = decode(folder).error or ""
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "4000" in error, error
    assert peak < 5e6


# How a bomb may come to a decoder: as the page says it, or by tags that send it another way.
WAYS_IN: dict[str, Tags] = {
    "plain": {},
    "as CMYK": {262: (SHORT, [5])},
    "as YCbCr": {262: (SHORT, [6])},
    "of twelve bits": {258: (SHORT, [12])},
    "without counts": {279: None},
}


@pytest.mark.parametrize("way_in", WAYS_IN)
@pytest.mark.parametrize(("codec", "encode"), BOMBS.values(), ids=BOMBS)
def test_a_stream_larger_than_its_image_is_refused_before_it_is_decoded(
    codec: int, encode: Encode, way_in: str, tmp_path: Path
) -> None:
    samples = {"as CMYK": 4, "as YCbCr": 3}.get(way_in, 3 if codec == WEBP else 1)
    tags = {259: (SHORT, [codec]), 50674: (LONG, [4, 0])}
    raw(tmp_path / "x.tif", (64, 64, samples), [bytes(encode(BOMB))], {**tags, **WAYS_IN[way_in]})
    if WAYS_IN[way_in]:  # some are refused for their tags before their size is looked at
        tracemalloc.start()
        assert decode(tmp_path).error
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 5e6
    else:
        assert_refused_in_little_memory(tmp_path)


def test_nor_is_one_in_a_mask(tmp_path: Path) -> None:
    stream = bytes(imagecodecs.lerc_encode(BOMB))
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        writer.write(PICTURE[:48, :64], photometric="rgb", metadata=None)
        form: dict[str, Any] = {"shape": (48, 64), "dtype": np.uint8, "rowsperstrip": 48, "metadata": None}
        writer.write(iter([stream]), subfiletype=1, photometric="minisblack", compression="lerc", **form)
    with tifffile.TiffFile(tmp_path / "x.tif", mode="r+") as file:
        file.pages[1].aspage().tags["NewSubfileType"].overwrite(4)
    assert_refused_in_little_memory(tmp_path)


@pytest.mark.parametrize("codec", [34933, 34712, 50002, 34934, JPEG, WEBP])
@pytest.mark.parametrize("missing", ["a row", "a column"])
def test_a_stream_smaller_than_its_image_is_refused(codec: int, missing: str, tmp_path: Path) -> None:
    encode = dict(BOMBS.values())[codec]
    small = GREY[:-1] if missing == "a row" else GREY[:, :-1]
    form = {259: (SHORT, [codec]), 262: (SHORT, [6 if codec == WEBP else 1])}
    samples = 3 if codec == WEBP else 1
    raw(tmp_path / "x.tif", (H, W, samples), [bytes(encode(np.ascontiguousarray(small)))], form)
    assert f"{small.shape[1]}x{small.shape[0]} pixels for {W}x{H}" in (decode(tmp_path).error or "")


@pytest.mark.parametrize(("height", "width"), list(product((1, 7, 255, 256, 300), (1, 64, 257, 1000))))
def test_sizes_of_streams_are_those_of_their_encoders(height: int, width: int) -> None:
    from infer.read.tiff.stream_sizes import _CODECS

    image = np.resize(GREY, (height, width))
    for codec, encode in BOMBS.values():
        if codec not in _CODECS or (height, width) == (1, 1):
            continue
        size = _CODECS[codec][1](bytes(encode(image)))
        assert size is not None
        assert (size.height, size.width) == (height, width)


def test_an_animation_is_refused(tmp_path: Path) -> None:
    frames = np.stack([PICTURE] * 50)
    stream = imagecodecs.jpegxl_encode(frames, photometric="rgb")
    raw(tmp_path / "x.tif", (H, W, 3), [stream], {259: (SHORT, [50002])})
    assert decode(tmp_path).error == "a JPEG XL animation"
