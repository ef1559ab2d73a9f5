"""Decoding by DALI alone: what it leaves is only noted."""

from __future__ import annotations

import pytest

from infer.plan.scenes import Readable
from infer.process.environment import prepare_environment
from infer.read.decoder import Decoded, Decoder


@pytest.fixture
def left_by_dali(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the scenes that went to the fallback: whatever else is read, DALI has read."""
    names: list[str] = []
    usual = Decoder._read

    def read(self: Decoder, scene: Readable) -> Decoded:
        names.append(scene.name)
        return usual(self, scene)

    prepare_environment()
    monkeypatch.setattr(Decoder, "_read", read)
    monkeypatch.setattr("infer.read.decoder.DALI_ON_CPU", True)
    return names
