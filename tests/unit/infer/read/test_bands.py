"""Which bands become red, green and blue: grey, palettes, inks, alpha, further bands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from infer.read.tiff.tifffile_reader import FEWER_BANDS
from tests.helpers.job.odd_tiffs import GREY, PICTURE, written
from tests.helpers.support import random_rgb


def test_grey_is_repeated_and_white_may_be_zero(tmp_path: Path) -> None:
    np.testing.assert_array_equal(written(tmp_path, GREY).pixels, np.dstack([GREY] * 3))
    found = written(tmp_path, GREY, photometric="miniswhite")
    np.testing.assert_array_equal(found.pixels, 255 - np.dstack([GREY] * 3))


def test_palettes_become_their_colours(tmp_path: Path) -> None:
    palette = np.random.default_rng(0).integers(0, 2**16, (3, 256)).astype(np.uint16)
    found = written(tmp_path, GREY, photometric="palette", colormap=palette)
    np.testing.assert_array_equal(found.pixels, (palette >> 8).T[GREY])
    expected = np.asarray(Image.open(tmp_path / "x.tif").convert("RGB"))
    np.testing.assert_array_equal(found.pixels, expected)


def test_cmyk_is_read_as_pillow_reads_it(tmp_path: Path) -> None:
    cmyk = np.dstack([PICTURE, random_rgb(60, 44, seed=5)[..., 0]])
    found = written(tmp_path, cmyk, photometric="separated")
    expected = np.asarray(Image.open(tmp_path / "x.tif").convert("RGB"))
    assert np.abs(found.pixels.astype(int) - expected).max() <= 1
    assert not found.notes


@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha"])
def test_where_alpha_is_zero_there_is_no_data(tmp_path: Path, kind: str) -> None:
    alpha = np.full(GREY.shape, 200, np.uint8)
    alpha[:5] = 0
    found = written(tmp_path, np.dstack([PICTURE, alpha]), photometric="rgb", extrasamples=[kind])
    np.testing.assert_array_equal(found.pixels, PICTURE)
    np.testing.assert_array_equal(found.valid, alpha > 0)
    assert not found.notes


def test_further_bands_are_left_out_and_counted(tmp_path: Path) -> None:
    bands = np.dstack([PICTURE, PICTURE])
    found = written(tmp_path, bands, photometric="rgb", planarconfig="contig")
    np.testing.assert_array_equal(found.pixels, PICTURE)
    assert found.notes == (FEWER_BANDS,)
