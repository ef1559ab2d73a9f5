"""Strips and tiles whose places, counts or sizes cannot be true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from infer.errors import DecodeError
from infer.plan.tiff_header import read_header
from tests.helpers.job.odd_tiffs import PICTURE, patch_tag, read


def test_a_file_that_ends_in_its_strips_places_still_has_a_size(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, PICTURE, photometric="rgb", rowsperstrip=1, metadata=None)
    with tifffile.TiffFile(path) as file:
        places = file.pages.first.tags[273].valueoffset
    path.write_bytes(path.read_bytes()[: places + 1])
    assert read_header(path).shape == PICTURE.shape[:2]


@pytest.mark.parametrize("count", [0, PICTURE.size + 10])
def test_the_bytes_of_plain_strips_are_reckoned_where_their_counts_are_wrong(
    tmp_path: Path, count: int
) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, PICTURE, photometric="rgb", metadata=None)
    patch_tag(path, 279, value=count)
    np.testing.assert_array_equal(read(path).pixels, PICTURE)
    path.write_bytes(path.read_bytes()[:-20])  # and what is missing is missed
    with pytest.raises(DecodeError, match="cut short"):
        read(path)


def test_tiles_far_larger_than_their_image_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, PICTURE, tile=(64, 64), photometric="rgb")
    with tifffile.TiffFile(path, mode="r+") as file:
        for name in ("TileWidth", "TileLength"):
            file.pages.first.tags[name].overwrite(60_000)
    with pytest.raises(DecodeError, match="tiles of"):
        read(path)


@pytest.mark.parametrize("layout", [{"rowsperstrip": 7}, {"tile": (16, 32)}, {"compression": "lzw"}], ids=str)
def test_a_header_that_claims_more_than_was_written_is_refused(
    tmp_path: Path, layout: dict[str, Any]
) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, PICTURE, photometric="rgb", **layout)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags["ImageLength"].overwrite(600)
    with pytest.raises(DecodeError, match="cut short"):  # tifffile alone would give zeros
        read(path)
