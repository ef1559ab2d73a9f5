"""How images are padded, by the job as in training: by reflection, at the right and the lower edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from infer.network.architecture import STRIDE

if TYPE_CHECKING:
    import numpy.typing as npt


def padded(size: int, multiple: int = STRIDE) -> int:
    """Round a size in pixels up to a multiple."""
    return -(-size // multiple) * multiple


def reflect(start: int, stop: int, size: int) -> npt.NDArray[np.int64]:
    """int64 [stop - start]: indices into an axis of `size` pixels, reflected at its ends, once each.

    Unlike torch's reflection padding this can pad by more than the axis holds.
    """
    if size == 1:
        return np.zeros(stop - start, np.int64)
    period = 2 * (size - 1)
    index = np.arange(start, stop) % period
    return np.minimum(index, period - index)
