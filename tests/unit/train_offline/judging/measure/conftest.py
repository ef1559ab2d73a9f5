"""What the tests of the measuring share."""

from __future__ import annotations

import pytest


@pytest.fixture
def job_seconds() -> dict[str, float]:
    """Where the seconds went, as a job tells it in its report."""
    return {
        "start": 0.2, "setup": 2.0, "imports": 1.5, "weights": 0.25, "device": 0.15,
        "first_mask": 2.75, "predicted": 8.0, "total": 8.5,
    }  # fmt: skip
