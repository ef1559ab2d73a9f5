"""Decoding by DALI alone."""

from __future__ import annotations

import pytest

from infer.plan.scenes import Readable
from infer.read.decoder import Decoded, Decoder


@pytest.fixture
def left_by_dali(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the scenes that went to the fallback, which refuses them: whatever is read, DALI has read."""
    names: list[str] = []

    def refuse(_: Decoder, scene: Readable) -> Decoded:
        names.append(scene.name)
        return Decoded(error="not by DALI")

    monkeypatch.setattr(Decoder, "_read", refuse)
    monkeypatch.setattr("infer.read.decoder.DALI_ON_CPU", True)
    return names
