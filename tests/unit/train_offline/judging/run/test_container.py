"""What docker says of a container."""

from __future__ import annotations

import pytest

from train_offline.judging.run.container import seconds_between


def test_the_seconds_of_a_container_are_those_between_its_time_stamps() -> None:
    state = {"StartedAt": "2026-11-25T01:02:03.123456789Z", "FinishedAt": "2026-11-25T01:02:05.2Z"}
    assert seconds_between(state, "StartedAt", "FinishedAt") == pytest.approx(2.076544)
    assert seconds_between({}, "StartedAt", "FinishedAt") is None
