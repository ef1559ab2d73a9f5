"""Where a scene has no data: masks, parts that were never written, LERC's own masks, nodata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import rasterio
import tifffile

from tests.matrix.like_gdal import (
    LERC,
    H,
    W,
    assert_like_gdal,
    decode,
    everywhere,
    pixels_of,
)
from tests.matrix.picture import HOLE, PICTURE
from tests.matrix.raw import LONG, SHORT, Tags, raw


@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 7), (3, 40), (30, 0)])
def test_a_mask_is_found_wherever_it_stands(before: int, after: int, tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        for _ in range(before):  # thumbnails
            writer.write(PICTURE[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
        writer.write(PICTURE, photometric="rgb", metadata=None)
        for _ in range(after):
            writer.write(PICTURE[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
        writer.write(~HOLE[::2, ::2], photometric="mask", subfiletype=5, metadata=None)  # of a smaller copy
        writer.write(~HOLE, photometric="mask", subfiletype=4, metadata=None)
    outcome = decode(tmp_path)
    np.testing.assert_array_equal(pixels_of(outcome), PICTURE)
    np.testing.assert_array_equal(outcome.valid, ~HOLE)


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "lerc"])
@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("layout", [{"rowsperstrip": 7}, {"tile": (16, 32)}], ids=str)
@pytest.mark.parametrize("planar", [False, True])
def test_parts_that_were_never_written(
    compression: str | None, predictor: bool, layout: dict[str, Any], planar: bool, tmp_path: Path
) -> None:
    if predictor and compression not in ("lzw", "deflate"):
        pytest.skip("no predictor")
    image = np.moveaxis(PICTURE, -1, 0) if planar else PICTURE
    form: dict[str, Any] = {"planarconfig": "separate" if planar else "contig", "photometric": "rgb"}
    form |= {"compression": compression, "predictor": predictor or None, "metadata": None}
    tifffile.imwrite(tmp_path / "x.tif", image, **layout, **form)
    with tifffile.TiffFile(tmp_path / "x.tif", mode="r+") as file:
        page = file.pages.first
        kind = "Tile" if page.is_tiled else "Strip"
        for name in (f"{kind}Offsets", f"{kind}ByteCounts"):
            tag = page.tags[name]
            tag.overwrite([0 if index in (0, 3) else value for index, value in enumerate(tag.value)])
        rows, columns = page.chunks[-3:-1] if not planar else page.chunks[-2:]
    there = np.ones((H, W), bool)
    for index in (0, 3):
        row, column = divmod(index, -(-W // columns))
        there[row * rows : (row + 1) * rows, column * columns : (column + 1) * columns] = False
    outcome = decode(tmp_path)
    assert outcome.error is None
    np.testing.assert_array_equal(outcome.valid, there)
    np.testing.assert_array_equal(pixels_of(outcome)[there], PICTURE[there])


def lerc_with_mask(image: np.ndarray, mask: np.ndarray) -> bytes:
    return bytes(imagecodecs.lerc_encode(image, masks=mask))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("bands", [1, 3])
def test_a_lerc_stream_says_which_of_its_pixels_are_valid(dtype: str, bands: int, tmp_path: Path) -> None:
    image = PICTURE[..., :bands].squeeze().astype(dtype) * (1 if dtype == "uint8" else 90)
    bits, form = np.dtype(dtype).itemsize * 8, 3 if dtype == "float32" else 1
    tags: Tags = {258: (SHORT, [bits] * bands), 339: (SHORT, [form] * bands)}
    tags = {**tags, 259: (SHORT, [LERC]), 50674: (LONG, [4, 0])}
    raw(tmp_path / "x.tif", (H, W, bands), [lerc_with_mask(image, ~HOLE)], tags)
    outcome = decode(tmp_path)
    assert outcome.error is None
    np.testing.assert_array_equal(outcome.valid, ~HOLE)
    if dtype == "uint8":
        np.testing.assert_array_equal(
            pixels_of(outcome)[~HOLE], np.dstack([image] * 3 if bands == 1 else [image])[~HOLE]
        )


NUMBERS = ["7", " 7 ", "7.0", "7.4", "1e1", "0x7", "nan", "-nan", "-1", "256", "1e400"]
TEXTS = [*NUMBERS, "", "abc", "7abc", "7 8", "0,5"]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("text", TEXTS)
def test_nodata_is_read_as_gdal_reads_its_text(text: str, dtype: str, tmp_path: Path) -> None:
    values = (np.arange(H * W).reshape(H, W) % 23).astype(dtype)
    tifffile.imwrite(tmp_path / "x.tif", values, metadata=None, extratags=[(42113, "s", 0, text, True)])
    with rasterio.open(tmp_path / "x.tif") as dataset:
        valid = dataset.dataset_mask() != 0
    np.testing.assert_array_equal(everywhere(decode(tmp_path)), valid)


@pytest.mark.parametrize(
    "text", ["-3.40282e+38", "-3.402823e+38", "-3.4028234663852886e+38", "-9999.001", "-9999"]
)
def test_nodata_of_floats_may_be_rounded(text: str, tmp_path: Path) -> None:
    values = PICTURE.astype(np.float32)
    values[HOLE] = np.finfo(np.float32).min if "e+38" in text else -9999
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="rgb", metadata=None,
                     extratags=[(42113, "s", 0, text, True)])  # fmt: skip
    assert_like_gdal(tmp_path)


def test_a_mask_of_which_nothing_was_written_hides_all(tmp_path: Path) -> None:
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        form = {
            "height": H,
            "width": W,
            "count": 3,
            "dtype": "uint8",
            "sparse_ok": True,
            "photometric": "RGB",
        }
        with rasterio.open(tmp_path / "x.tif", "w", driver="GTiff", **form) as dataset:
            dataset.write(np.moveaxis(PICTURE, -1, 0))
            dataset.write_mask(np.zeros((H, W), bool))
    outcome = decode(tmp_path)
    assert outcome.error is None
    assert not everywhere(outcome).any()
