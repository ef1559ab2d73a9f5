"""Boundary F1 against a brute-force reference in float64, known shapes and the masks without a boundary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train_offline.scoring.boundary import boundary_f1, boundary_matches


def edge_pixels(mask: np.ndarray, ignore: np.ndarray) -> list[tuple[int, int]]:
    """Kept ice with kept background among its eight neighbours, looked up one by one."""
    height, width = mask.shape
    edge = []
    for y, x in np.argwhere((mask != 0) & (ignore == 0)).tolist():
        near = [(a, b) for a in (y - 1, y, y + 1) for b in (x - 1, x, x + 1)]
        inside = [(a, b) for a, b in near if 0 <= a < height and 0 <= b < width]
        if any(mask[pixel] == 0 and ignore[pixel] == 0 for pixel in inside):
            edge.append((y, x))
    return edge


def matched(some: list, others: list, tolerance: float) -> int:
    return sum(any(np.hypot(y - b, x - a) <= tolerance for b, a in others) for y, x in some)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.03, 0.5, 0.97, 1.0]),
    st.sampled_from([0.0, 0.03, 0.5, 1.0]),
    st.sampled_from([0.0, 0.2, 1.0]),
    st.integers(1, 4),
)
def test_matches_equal_the_definition(seed, ice, said, ignored, tolerance):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 14, 2)
    truth, predicted, ignore = (
        (rng.random(shape) < share).astype(np.uint8) * 255 for share in (ice, said, ignored)
    )
    true, found = edge_pixels(truth, ignore), edge_pixels(predicted, ignore)
    expected = [
        [matched(true, found, tolerance), len(true)],
        [matched(found, true, tolerance), len(found)],
    ]

    counted = boundary_matches(truth, predicted, ignore, tolerance)

    assert counted.dtype == np.int64
    assert counted.tolist() == expected
    recall, precision = (a / b if b else 0.0 for a, b in expected)
    if true or found:
        both = precision + recall
        assert boundary_f1(counted) == pytest.approx(2 * precision * recall / both if both else 0.0)
    else:
        assert np.isnan(boundary_f1(counted))


def square(left: int, size: int = 40) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[10:30, left : left + 20] = True
    return mask


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_two_pixels_are_right(moved):
    assert boundary_f1(boundary_matches(square(8), square(8 + moved))) == 1


def test_three_pixels_are_wrong():
    # Missed of the 76 pixels: the whole left side, and the right side but for three pixels at either end,
    # which are near the other square's top and bottom. Seen from the other square it is the same.
    matches = boundary_matches(square(8), square(11))
    assert matches.tolist() == [[76 - 20 - 14, 76]] * 2
    assert boundary_f1(matches) == pytest.approx(42 / 76)


def test_ignored_pixels_have_no_say():
    rng = np.random.default_rng(3)
    truth, predicted, ignore = rng.random((3, 30, 30)) < 0.4
    changed = predicted ^ (ignore & (rng.random((30, 30)) < 0.5))
    assert (changed != predicted).any()
    assert np.array_equal(
        boundary_matches(truth, predicted, ignore), boundary_matches(truth, changed, ignore)
    )


def test_without_ignored_pixels_a_mask_of_none_is_the_same():
    truth, predicted = np.random.default_rng(4).random((2, 30, 30)) < 0.4
    nothing = np.zeros((30, 30), np.uint8)
    assert np.array_equal(boundary_matches(truth, predicted), boundary_matches(truth, predicted, nothing))


def test_masks_without_a_boundary():
    empty, full = np.zeros((40, 40), bool), np.ones((40, 40), bool)
    assert np.isnan(boundary_f1(boundary_matches(empty, empty)))
    assert np.isnan(boundary_f1(boundary_matches(full, empty)))  # the border of a scene is no boundary
    assert boundary_f1(boundary_matches(square(8), empty)) == 0
    assert boundary_f1(boundary_matches(empty, square(8))) == 0
    far = np.zeros((40, 40), bool)
    far[0, 0] = True
    assert boundary_f1(boundary_matches(square(15), far)) == 0


def test_counts_of_scenes_are_summed_before_dividing():
    right, false_ice = (
        boundary_matches(square(8), square(8)),
        boundary_matches(np.zeros((40, 40)), square(8)),
    )
    assert boundary_f1(right + false_ice) == pytest.approx(2 * 0.5 / 1.5)
