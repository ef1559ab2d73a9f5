"""Where weights come from, in a line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from infer.errors import UsageError
from tests.helpers.support import WEIGHTS
from train_offline.judging.release.weights_origin import UNKNOWN, origin_of


def test_the_shipped_weights_tell_their_data_and_their_commit() -> None:
    line = origin_of(WEIGHTS)
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()[:12] in line
    assert "trained on bohai_dev, " in line
    assert "at commit " in line


@pytest.mark.parametrize("facts", [{}, {"data": "no JSON"}, {"data": json.dumps(["train"])}])
def test_a_file_that_tells_nothing_is_said_to(tmp_path: Path, facts: dict[str, str]) -> None:
    save_file({"x": np.ones(2, np.float32)}, tmp_path / "w.safetensors", facts)
    assert origin_of(tmp_path / "w.safetensors").endswith(UNKNOWN)


def test_no_file_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the weights"):
        origin_of(tmp_path / "none")
