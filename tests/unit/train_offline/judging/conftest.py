"""What the tests of the judge's parts share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.judging.judged import make_data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of three small scenes with true masks."""
    return make_data(tmp_path / "data")
