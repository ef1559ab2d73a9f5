"""Samples of one to sixty-four bits become eight, and what is no data disturbs none of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.helpers.job.odd_tiffs import GREY, PICTURE, WIDE, read, stretched, written


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_one_bit(tmp_path: Path, photometric: str) -> None:
    found = written(tmp_path, GREY > 127, photometric=photometric)
    expected = np.where((GREY > 127) == (photometric == "minisblack"), 255, 0)
    np.testing.assert_array_equal(found.pixels, np.dstack([expected] * 3))


@pytest.mark.parametrize("bits", [2, 4])
def test_few_bits_fill_the_range(tmp_path: Path, bits: int) -> None:
    small = GREY >> (8 - bits)
    found = written(tmp_path, small, bitspersample=bits)
    expected = small.astype(int) * 255 // (2**bits - 1)
    np.testing.assert_array_equal(found.pixels, np.dstack([expected] * 3))


@pytest.mark.parametrize(
    "image",
    [WIDE, WIDE.astype(np.int16) - 9000, WIDE.astype(np.uint32) * 999, WIDE.astype(np.float32) / 7e4,
     WIDE.astype(np.float64) * 1e200, (WIDE / 7e4).astype(np.float16)],
    ids=lambda image: str(image.dtype),
)  # fmt: skip
def test_wide_samples_are_stretched_by_one_line(tmp_path: Path, image: np.ndarray) -> None:
    found = written(tmp_path, image, photometric="rgb")
    assert np.abs(found.pixels - stretched(image, image)).max() <= 1
    assert found.valid is None
    assert found.pixels.min() == 0
    assert found.pixels.max() == 255


def test_twelve_bits(tmp_path: Path) -> None:
    packed = np.zeros((60, 66), np.uint8)  # two samples of 12 bits in three bytes
    values = (GREY.astype(np.uint16) << 4) | 5
    even, odd = values[:, ::2], values[:, 1::2]
    packed[:, ::3], packed[:, 1::3], packed[:, 2::3] = even >> 4, ((even & 15) << 4) | (odd >> 8), odd & 255
    path = tmp_path / "x.tif"
    tags = [(258, 3, 1, 12, True), (256, 3, 1, 44, True)]
    tifffile.imwrite(path, packed, photometric="minisblack", metadata=None, rowsperstrip=60)
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        places = {tag.code: tag.valueoffset for tag in file.pages.first.tags}
    for code, _, _, value, _ in tags:
        size = 4 if code == 256 and content[places[code] - 6] == 4 else 2
        content[places[code] : places[code] + size] = value.to_bytes(size, "little")
    path.write_bytes(content)
    assert np.abs(read(path).pixels[..., 0] - stretched(values, values)).max() <= 1


def test_nodata_and_nan_are_no_data_and_do_not_disturb_the_stretch(tmp_path: Path) -> None:
    image = WIDE.astype(np.float32)
    image[:10, :, :] = -9999
    image[10:20, :, 1] = np.nan
    image[30, 30] = (np.inf, 1, 1)
    found = written(tmp_path, image, photometric="rgb", extratags=[(42113, "s", 0, "-9999", True)])
    valid = np.ones(image.shape[:2], bool)
    valid[:20] = valid[30, 30] = False
    np.testing.assert_array_equal(found.valid, valid)
    expected = stretched(image[valid], image[valid])
    assert np.abs(found.pixels[valid] - expected).max() <= 1


def test_nodata_of_eight_bits_changes_no_colour(tmp_path: Path) -> None:
    image = PICTURE.copy()
    image[:7] = 0
    image[8, 8] = (0, 5, 0)  # one band with data is data
    found = written(tmp_path, image, photometric="rgb", extratags=[(42113, "s", 0, "0", True)])
    np.testing.assert_array_equal(found.pixels, image)
    np.testing.assert_array_equal(found.valid, ~(image == 0).all(axis=2))


@pytest.mark.parametrize("text", ["", "none", "1e99", "-1"])
def test_a_nodata_that_no_sample_can_have_is_none(tmp_path: Path, text: str) -> None:
    found = written(tmp_path, PICTURE, photometric="rgb", extratags=[(42113, "s", 0, text, True)])
    assert found.valid is None


def test_a_scene_without_any_data_is_read(tmp_path: Path) -> None:
    found = written(tmp_path, np.full((9, 9), np.nan, np.float32))
    assert found.valid is not None
    assert not found.valid.any()
    assert not found.pixels.any()
