"""Padding to the stride."""

from __future__ import annotations

import math

import numpy as np
import pytest

from train_offline.models.preprocessing import pad_to_stride


@pytest.mark.parametrize(("height", "width"), [(16, 32), (17, 31), (1, 1), (3, 40), (1, 50)])
def test_padding_reaches_the_stride_and_keeps_the_scene(height, width) -> None:
    image = np.random.default_rng(0).integers(1, 255, (height, width, 3), dtype=np.uint8)
    padded = pad_to_stride(image)
    assert padded.shape == (math.ceil(height / 16) * 16, math.ceil(width / 16) * 16, 3)
    np.testing.assert_array_equal(padded[:height, :width], image)
    assert padded.all(), "padding is made of the scene's own pixels"
