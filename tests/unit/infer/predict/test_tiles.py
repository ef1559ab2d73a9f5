"""Geometry: every pixel is covered exactly once, by a tile that could see around it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infer.network.architecture import STRIDE
from infer.network.padding import padded, reflect
from infer.predict.tiles import crop, grid, spans, stitch

sizes = st.integers(1, 3000)
tiles = st.integers(1, 32).map(lambda n: n * STRIDE)


@given(size=st.integers(1, 10_000), tile=tiles, share=st.floats(0, 0.95))
def test_kept_parts_cover_an_axis_once(size: int, tile: int, share: float) -> None:
    overlap = int(tile * share) // STRIDE * STRIDE
    covered = np.zeros(size, int)
    for span in spans(size, tile, overlap):
        covered[span.kept] += 1
        assert span.start % STRIDE == 0
        assert span.start <= span.keep_start < span.keep_stop <= min(span.stop, size)
        assert span.stop - span.start <= tile
        assert span.stop <= padded(size)
    assert (covered == 1).all()


@given(size=sizes, tile=tiles, share=st.floats(0, 0.9))
def test_neighbours_share_the_overlap(size: int, tile: int, share: float) -> None:
    overlap = int(tile * share) // STRIDE * STRIDE
    line = spans(size, tile, overlap)
    for before, after in pairwise(line):
        assert before.stop - after.start >= overlap
        assert before.keep_stop - after.start >= overlap // 2


def test_a_scene_that_fits_is_one_tile() -> None:
    (tile,) = grid(500, 512, 512, 128)
    assert tile.shape == (512, 512)
    assert (tile.rows.kept, tile.cols.kept) == (slice(0, 500), slice(0, 512))


def test_tiles_of_a_scene_have_one_shape_and_little_waste() -> None:
    tiles = grid(2049, 3000, 2048, 128)
    assert len({tile.shape for tile in tiles}) == 1
    area = sum(tile.shape[0] * tile.shape[1] for tile in tiles)
    assert area < 1.2 * 2049 * 3000


@settings(max_examples=60)
@given(
    st.integers(1, 150), st.integers(1, 150), st.sampled_from([16, 48, 64, 128]), st.sampled_from([0, 16, 32])
)
def test_identity_predictor_gives_the_scene_back(height: int, width: int, tile: int, overlap: int) -> None:
    overlap = min(overlap, tile - STRIDE)
    scene = np.random.default_rng(height * 1000 + width).integers(1, 256, (height, width, 3), dtype=np.uint8)
    mask = np.zeros((height, width), np.uint8)
    for window in grid(height, width, tile, overlap):
        pixels = crop(scene, window)
        assert pixels.shape == (*window.shape, 3)
        stitch(mask, window, pixels[..., 0])
    np.testing.assert_array_equal(mask, scene[..., 0])


def test_identity_predictor_on_the_largest_scene() -> None:
    scene = np.random.default_rng(0).integers(1, 256, (10_000, 9_999, 1), dtype=np.uint8)
    mask = np.zeros(scene.shape[:2], np.uint8)
    for window in grid(10_000, 9_999, 2048, 128):
        stitch(mask, window, crop(scene, window)[..., 0])
    np.testing.assert_array_equal(mask, scene[..., 0])


@pytest.mark.parametrize("size", [2, 3, 5, 16, 33])
@pytest.mark.parametrize("padding", [1, 15, 40])
def test_reflect_is_numpys_reflection(size: int, padding: int) -> None:
    expected = np.pad(np.arange(size), (0, padding), mode="reflect")
    np.testing.assert_array_equal(reflect(0, size + padding, size), expected)


def test_one_pixel_is_repeated() -> None:
    assert (crop(np.full((1, 1, 3), 7, np.uint8), grid(1, 1, 512, 0)[0]) == 7).all()


@pytest.mark.parametrize(("size", "tile", "overlap"), [(0, 512, 0), (9, 512, 512), (9, 500, 0), (9, 512, 8)])
def test_impossible_grids_are_refused(size: int, tile: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="no grid"):
        spans(size, tile, overlap)


def test_a_scene_is_padded_to_a_coarser_multiple_as_far_as_a_tile_reaches() -> None:
    for size, tile, stop in (
        (300, 512, 320),
        (1, 512, 64),
        (512, 512, 512),
        (500, 528, 512),
        (515, 528, 528),
    ):
        (span,) = spans(size, tile, 16, multiple=64)
        assert (span.stop, span.kept) == (stop, slice(0, size))
    assert spans(1000, 512, 64, multiple=64) == spans(1000, 512, 64)
