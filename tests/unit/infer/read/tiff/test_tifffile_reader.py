"""Layouts, orientations and pages against the arrays that were written."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from infer.errors import DecodeError
from infer.plan.tiff_header import read_header
from tests.helpers.job.odd_tiffs import PICTURE, patch_tag, read, written


@pytest.mark.parametrize(
    "options",
    [
        {"rowsperstrip": 7},
        {"tile": (16, 32)},
        {"byteorder": ">"},
        {"bigtiff": True},
        *({"compression": c} for c in ("lzw", "deflate", "zstd", "lzma", "packbits", "lerc")),
        {"compression": "lzw", "predictor": True},
        {"compression": "webp", "compressionargs": {"lossless": True}},
    ],
    ids=str,
)
@pytest.mark.parametrize("planar", [False, True])
def test_layouts_of_plain_rgb(tmp_path: Path, options: dict[str, Any], planar: bool) -> None:
    image = np.moveaxis(PICTURE, -1, 0) if planar else PICTURE
    if planar and options.get("compression") == "webp":
        pytest.skip("WebP holds colours together")
    found = written(
        tmp_path, image, photometric="rgb", planarconfig="separate" if planar else "contig", **options
    )
    np.testing.assert_array_equal(found.pixels, PICTURE)
    assert found.valid is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_that_of_pillow(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, PICTURE, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    with Image.open(path) as image:
        image.load()
        expected = np.asarray(image.convert("RGB"))
    found = read(path)
    assert read_header(path).shape == expected.shape[:2]
    np.testing.assert_array_equal(found.pixels, expected)


def test_the_first_full_image_of_several(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(PICTURE[::4, ::4], photometric="rgb", subfiletype=1)
        file.write(PICTURE, photometric="rgb")
        file.write(PICTURE[::2, ::2], photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(read(path).pixels, PICTURE)
    assert not read_header(path).is_plain_rgb  # DALI would take the thumbnail


def test_a_private_tag_that_points_nowhere_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, PICTURE, photometric="rgb", extratags=[(65000, 3, 100, [1] * 100, True)])
    patch_tag(path, 65000, pointer=0xFFFFFFF0)
    np.testing.assert_array_equal(read(path).pixels, PICTURE)


def test_a_bigtiff_whose_last_link_leads_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, PICTURE, photometric="rgb", bigtiff=True, metadata=None)
    content = bytearray(path.read_bytes())
    (directory,) = struct.unpack_from("<Q", content, 8)
    (tags,) = struct.unpack_from("<Q", content, directory)
    struct.pack_into("<Q", content, directory + 8 + 20 * tags, 2**62 + 2**61)
    path.write_bytes(content)
    np.testing.assert_array_equal(read(path).pixels, PICTURE)


@pytest.mark.parametrize(
    ("image", "options", "reason"),
    [
        (PICTURE.astype(np.complex64)[..., 0], {}, "not whole or floating-point numbers"),
        (PICTURE, {"photometric": 32845}, "colours are stored as LOGLUV"),
        (np.zeros((3, 16, 16, 16), np.uint8)[0], {"volumetric": True, "tile": (16, 16, 16)}, "axes"),
    ],
    ids=["complex", "LogLuv", "volume"],
)
def test_what_has_no_rgb_is_refused(
    tmp_path: Path, image: np.ndarray, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DecodeError, match=reason):
        written(tmp_path, image, **options)
