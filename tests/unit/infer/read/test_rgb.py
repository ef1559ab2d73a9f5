"""From samples to 8-bit RGB by pieces: the same as at once, in little memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from infer.read import rgb
from infer.read.bands import BLACK_IS_ZERO, RGB, Bands
from infer.read.rgb import HIGH, LOW, Samples, to_rgb

THREE = Bands(RGB, (0, 1, 2), None, 0)
WITH_ALPHA = Bands(RGB, (0, 1, 2), 3, 0)


def at_once(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and where there is data, as the documentation has it; percentiles of every n-th sample."""
    values = samples.values[..., list(samples.bands.colours)]
    valid = np.ones(values.shape[:2], bool) if samples.there is None else samples.there.copy()
    empty = values == samples.nodata if samples.nodata is not None else np.zeros(values.shape, bool)
    valid &= ~empty.all(axis=2)
    if samples.bands.alpha is not None:
        valid &= samples.values[..., samples.bands.alpha] != 0
    counted = values[valid[..., None] & ~empty]
    counted = counted[:: max(1, counted.size // rgb.MAX_COUNTED)].astype(np.float64)
    low, high = np.percentile(counted, (LOW, HIGH))
    stretched = np.rint(np.clip((values.astype(np.float64) - low) * (255 / (high - low)), 0, 255))
    return stretched.astype(np.uint8), valid


@pytest.mark.parametrize("block", [1, 1000, 2**20])
@pytest.mark.parametrize("counted", [100, 4_000_000])
@pytest.mark.parametrize("case", ["plain", "nodata", "alpha", "holes", "bands in another order"])
def test_pieces_give_what_the_whole_gives(
    case: str, counted: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(3)
    values = generator.integers(0, 4000, (61, 47, 4), dtype=np.uint16)
    values[5:9] = 7
    there = generator.random((61, 47)) > 0.3
    values[..., 3] = np.where(there, 65535, 0) if case == "alpha" else values[..., 3]
    samples = {
        "plain": Samples(values[..., :3], 16, THREE),
        "nodata": Samples(values[..., :3], 16, THREE, nodata=7),
        "alpha": Samples(values, 16, WITH_ALPHA),
        "holes": Samples(values[..., :3], 16, THREE, there=there),
        "bands in another order": Samples(values, 16, Bands(RGB, (3, 1, 0), None, 1)),
    }[case]
    monkeypatch.setattr(rgb, "BLOCK", block)
    monkeypatch.setattr(rgb, "MAX_COUNTED", counted)
    expected, valid = at_once(samples)
    pixels, found = to_rgb(samples)
    np.testing.assert_array_equal(np.ones(valid.shape, bool) if found is None else found, valid)
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("nodata", [None, 0])
def test_wide_samples_need_little_more_than_their_pixels(dtype: type, nodata: int | None) -> None:
    side = 1500
    values: np.ndarray = np.random.default_rng(0).integers(0, 9000, (side, side, 3)).astype(dtype)
    tracemalloc.start()
    to_rgb(Samples(values, values.itemsize * 8, THREE, nodata=nodata))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    counted = 2 * rgb.MAX_COUNTED * 8 * 3  # of the percentiles, however large the scene is
    assert peak < 16 * side * side + counted


def test_a_scene_of_one_value_is_black_and_one_of_none_is_no_data() -> None:
    grey = Bands(BLACK_IS_ZERO, (0,), None, 0)
    pixels, valid = to_rgb(Samples(np.full((9, 9, 1), 500, np.uint16), 16, grey))
    assert not pixels.any()
    assert valid is None
    pixels, valid = to_rgb(Samples(np.full((9, 9, 1), 500, np.uint16), 16, grey, nodata=500))
    assert not pixels.any()
    assert valid is not None
    assert not valid.any()
