"""Real odd files, against a second reader, Pillow."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from infer.errors import DecodeError
from infer.plan.tiff_header import read_header
from tests.helpers.job.odd_tiffs import read
from tests.helpers.support import shared

SECOND_READER = {  # of the real odd files, those that Pillow reads too: largest difference of a sample
    "gt_wildfires.tiff": 0, "it_BigTIFF.tif": 0, "it_kodim02-lzw.tif": 0, "it_miniswhite-1c-1b.tiff": 0,
    "it_palette-1c-8b.tiff": 0, "it_seq-1c-8b-multipage-adeefdcc.tiff": 0, "it_tiled-jpeg-ycbcr.tif": 4,
    "it_tiled-rgb-u8.tif": 0, "rio_RGB.byte.tif": 0, "rio_RGBA.byte.tif": 0, "rio_cogeo.tif": 4,
    "rio_rgb_lzw.tif": 0, "rio_shade.tif": 0, "rio_world.rgb.tif": 0,
}  # fmt: skip


@pytest.mark.parametrize("name", SECOND_READER)
def test_real_odd_files_are_read_as_pillow_reads_them(name: str) -> None:
    path = shared("data/odd_tiffs") / name
    opened = Image.open(path)
    image = opened.convert("RGBA").convert("RGB") if opened.mode == "P" else opened.convert("RGB")
    difference = np.abs(read(path).pixels.astype(int) - np.asarray(image))
    assert np.percentile(difference, 99.9) <= SECOND_READER[name]


def test_all_real_odd_files_but_the_broken_one_are_read() -> None:
    refused = {}
    for path in sorted(shared("data/odd_tiffs").iterdir()):
        try:
            found = read(path)
        except DecodeError as error:
            refused[path.name] = str(error)
            continue
        assert found.pixels.dtype == np.uint8
        assert found.pixels.shape == (*read_header(path).shape, 3)
    assert list(refused) == ["rio_corrupt.tif"]


def test_an_old_lzw_holds_a_picture() -> None:
    """Pillow cannot read it; imagecodecs can: 384 x 512, smooth where the picture is smooth."""
    pixels = read(shared("data/odd_tiffs") / "it_quad-lzw-compat.tiff").pixels.astype(int)
    assert np.abs(np.diff(pixels, axis=1)).mean() < 0.2 * pixels.std()
