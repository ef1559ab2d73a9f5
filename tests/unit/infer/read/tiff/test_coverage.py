"""Mask pages, and tiles that were never written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from infer.plan.tiff_header import read_header
from tests.helpers.job.odd_tiffs import PICTURE, WIDE, read, stretched
from tests.helpers.support import random_rgb


def test_a_mask_page_says_where_there_is_no_data(tmp_path: Path) -> None:
    path, there = tmp_path / "x.tif", random_rgb(60, 44, 9)[..., 1] > 99
    with tifffile.TiffWriter(path) as writer:
        writer.write(PICTURE, photometric="rgb", metadata=None)
        writer.write(PICTURE[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
        writer.write(there, photometric="mask", subfiletype=4, metadata=None)
    found = read(path)
    np.testing.assert_array_equal(found.pixels, PICTURE)
    np.testing.assert_array_equal(found.valid, there)
    assert not read_header(path).is_plain_rgb  # DALI would not see the mask


@pytest.mark.parametrize("planar", [False, True])
def test_tiles_that_were_never_written_hold_no_data(tmp_path: Path, planar: bool) -> None:
    path, image = tmp_path / "x.tif", np.moveaxis(WIDE, -1, 0) if planar else WIDE
    tifffile.imwrite(
        path, image, tile=(32, 32), photometric="rgb", planarconfig="separate" if planar else None
    )
    with tifffile.TiffFile(path, mode="r+") as file:  # tile 2 is the first of the second row
        for name in ("TileOffsets", "TileByteCounts"):
            tag = file.pages.first.tags[name]
            tag.overwrite([0 if index == 2 else value for index, value in enumerate(tag.value)])
    found, there = read(path), np.ones((60, 44), bool)
    there[32:, :32] = False
    np.testing.assert_array_equal(found.valid, there)

    np.testing.assert_array_equal(found.pixels[there], stretched(WIDE, WIDE[there])[there])
