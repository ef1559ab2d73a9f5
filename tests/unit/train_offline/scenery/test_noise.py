"""Random fields have their wavelengths in pixels, and their directions."""

from __future__ import annotations

import numpy as np
import pytest

from train_offline.scenery.noise import fractal, streaks


@pytest.mark.parametrize("scale", [12.0, 90.0])
def test_noise_has_its_wavelength_in_pixels_at_every_size(scale: float) -> None:
    """The correlation at a fixed distance does not depend on the size of the field."""

    def correlation(size: int) -> float:
        fields = [fractal(np.random.default_rng(i), (size, size), scale, 0.5) for i in range(6)]
        lag = int(scale / 4)
        return float(np.mean([np.corrcoef(f[:, lag:].ravel(), f[:, :-lag].ravel())[0, 1] for f in fields]))

    assert 0.3 < correlation(1024) < 0.95
    assert abs(correlation(1024) - correlation(400)) < 0.08


def test_streaks_run_along_their_angle() -> None:
    field = streaks(np.random.default_rng(0), (300, 300), 12, 6, 0.0)
    along, down = np.abs(np.diff(field, axis=1)).mean(), np.abs(np.diff(field, axis=0)).mean()
    assert down > 2.5 * along
