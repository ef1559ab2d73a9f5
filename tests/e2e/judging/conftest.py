"""What the tests of whole dry runs share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.judging.judged import make_data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of three small scenes, in a folder whose name has a space."""
    return make_data(tmp_path / "my data")
