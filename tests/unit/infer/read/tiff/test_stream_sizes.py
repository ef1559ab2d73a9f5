"""JPEG streams: their colours, and sizes other than those of their places."""

from __future__ import annotations

from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from infer.errors import DecodeError
from tests.helpers.job.odd_tiffs import PICTURE, read, written


def test_jpeg_in_ycbcr_is_read_as_pillow_reads_it(tmp_path: Path) -> None:
    smooth = cv2.resize(PICTURE, (256, 256), interpolation=cv2.INTER_CUBIC)
    found = written(tmp_path, smooth, photometric="rgb", compression="jpeg", rowsperstrip=256)
    expected = np.asarray(Image.open(tmp_path / "x.tif").convert("RGB"))
    assert np.abs(found.pixels.astype(int) - expected).max() <= 3


@pytest.mark.parametrize(("tag", "value"), [("ImageWidth", 65535), ("ImageWidth", 45), ("RowsPerStrip", 17)])
def test_jpegs_smaller_than_their_places_are_refused(tmp_path: Path, tag: str, value: int) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, PICTURE, photometric="rgb", compression="jpeg", rowsperstrip=16)
    assert read(path).pixels.shape == PICTURE.shape
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags[tag].overwrite(value)
    with pytest.raises(DecodeError, match="a JPEG of 44x16 pixels for"):
        read(path)


def test_a_jpeg_far_larger_than_its_place_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, PICTURE, photometric="rgb", compression="jpeg", rowsperstrip=16)
    content = bytearray(path.read_bytes())
    start = content.find(b"\xff\xc0")  # of its header: height and width stand five bytes on
    content[start + 5 : start + 9] = b"\xff\xdc" * 2  # 65,500 each: 13 GB
    path.write_bytes(content)
    with pytest.raises(DecodeError, match="a JPEG of 65500x65500 pixels for 44x16"):
        read(path)


def test_jpeg_tiles_cropped_at_the_edge_are_whole(tmp_path: Path) -> None:
    smooth = cv2.resize(PICTURE[:4, :4], (44, 60), interpolation=cv2.INTER_CUBIC)
    corners = [(y, x) for y in range(0, 60, 32) for x in range(0, 44, 32)]
    cut = (smooth[y : y + 32, x : x + 32].copy() for y, x in corners)
    tiles = (bytes(imagecodecs.jpeg8_encode(tile, level=95)) for tile in cut)
    form = {"shape": smooth.shape, "dtype": "uint8", "photometric": "ycbcr", "tile": (32, 32)}
    tifffile.imwrite(tmp_path / "x.tif", tiles, compression="jpeg", **form)
    assert np.abs(read(tmp_path / "x.tif").pixels.astype(int) - smooth).mean() < 4
