"""How well the boundaries of a mask lie: their F1, where two pixels of distance still count as right."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
TOLERANCE = 2  # pixels, Euclidean, from centre to centre


def boundary_matches(
    truth: np.ndarray, predicted: np.ndarray, ignore: np.ndarray | None = None, tolerance: int = TOLERANCE
) -> np.ndarray:
    """Count the boundary pixels of one scene, and those with a boundary pixel of the other mask in reach.

    A boundary pixel is ice with a pixel of background among its eight neighbours. The border of the scene is
    no boundary, nor is that of the ignored pixels: these have no class, make no boundary and match none.

    Args:
        truth: [H, W] bool or integer mask; any value other than zero means ice.
        predicted: likewise.
        ignore: [H, W] mask of the pixels to leave out (other than zero = left out), or None.
        tolerance: largest distance in pixels of two boundary pixels that match.

    Returns:
        int64 [2, 2]; rows are the true and the predicted boundary, columns its pixels that match and all of
        its pixels. The counts of several scenes may be summed.
    """
    edges = [_boundary(mask != 0, ignore) for mask in (truth, predicted)]
    near = [cv2.dilate(edge, _disc(tolerance)).astype(np.uint8, copy=False) for edge in edges]
    pairs = ((edges[0], near[1]), (edges[1], near[0]))
    return np.array([[np.count_nonzero(e & n), np.count_nonzero(e)] for e, n in pairs], np.int64)


def boundary_f1(matches: np.ndarray) -> float:
    """Return the harmonic mean of the shares of both boundaries that match, from summed counts [2, 2].

    NaN where neither mask has a boundary, 0 where only one has. Source: Csurka et al. 2013, "What is a good
    evaluation measure for semantic segmentation?" (BMVC), there image by image; here the counts are summed
    first, as for the other scores, so that each boundary pixel weighs the same.
    """
    matched, total = matches.T.astype(np.float64)
    if not total.any():
        return float("nan")
    if not matched.all():  # of the shares, one is 0 or of nothing
        return 0.0
    recall, precision = matched / total
    return float(2 * precision * recall / (precision + recall))


def _boundary(ice: np.ndarray, ignore: np.ndarray | None) -> Pixels:
    """uint8 [H, W], 1 on the boundary of the ice, else 0."""
    inside: Pixels = (ice if ignore is None else ice | (ignore != 0)).astype(np.uint8)
    edge = inside - cv2.erode(inside, np.ones((3, 3), np.uint8)).astype(np.uint8, copy=False)
    return edge if ignore is None else edge & (ignore == 0).astype(np.uint8)


def _disc(radius: int) -> Pixels:
    """uint8 [2r + 1, 2r + 1], 1 at the pixels no further than `radius` from the centre."""
    rows, columns = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(rows**2 + columns**2 <= radius**2, np.uint8)
