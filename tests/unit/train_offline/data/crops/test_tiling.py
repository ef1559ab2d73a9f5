"""Tiles cover a scene, stay inside of it, and are as few as can be."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from train_offline.data.crops.tiling import tile_corners, tile_starts


@given(st.integers(1, 5000), st.integers(1, 900))
def test_tiles_cover_a_side_and_stay_inside(side: int, tile: int) -> None:
    first = tile_starts(side, tile)
    assert first[0] == 0
    assert first == sorted(set(first))
    assert all(after - before <= tile for before, after in pairwise(first))
    assert first[-1] + min(tile, side) == side
    assert len(first) == -(-side // tile), "no more tiles than needed"


@pytest.mark.parametrize(("height", "width"), [(64, 64), (128, 64), (70, 150), (20, 90), (10, 10)])
def test_tiles_cover_a_scene_row_by_row(height: int, width: int) -> None:
    corners = tile_corners((height, width), 64)
    covered = np.zeros((height, width), int)
    for top, left in corners:
        covered[top : top + 64, left : left + 64] += 1
    assert covered.all()
    assert corners == sorted(corners)
    if height % 64 == width % 64 == 0:
        assert (covered == 1).all()
