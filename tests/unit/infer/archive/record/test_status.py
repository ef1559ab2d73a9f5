"""What the receipts of a run add up to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infer.archive.record.manifest import Planned
from infer.archive.record.receipts import receipt_of
from infer.archive.record.status import Progressed, lines_of

PLANNED = Planned(scenes=40, units=4, refused=0, parts=1)


def receipt(unit: int, began: float, seconds: float, failed: int = 0, why: str = "gone") -> dict[str, Any]:
    good = [{"status": "ok", "error": None}] * (10 - failed)
    facts = {"unit": unit, "began": began, "seconds": seconds}
    return receipt_of(facts, [*good, *[{"status": "failed", "error": why}] * failed])


def test_rate_time_left_and_cost() -> None:
    receipts = [
        receipt(0, 1000, 20),
        receipt(1, 1000, 40, failed=2),
        receipt(2, 1020, 30, failed=1, why="cut"),
    ]
    facts = Progressed.of(receipts, PLANNED).facts(price_per_hour=3.6, now=1060.0)
    assert (facts["scenes_done"], facts["ok"], facts["failed"], facts["units_done"]) == (30, 27, 3, 3)
    assert facts["scenes_per_second"] == pytest.approx(30 / 60)
    assert facts["seconds_left"] == pytest.approx(20)
    assert facts["cost"] == pytest.approx(0.09)  # 90 seconds of a worker
    assert list(facts["reasons"].items()) == [("failed: gone", 2), ("failed: cut", 1)]
    assert json.loads(json.dumps(facts)) == facts
    lines = lines_of(facts)
    assert lines[0] == "scenes     30 of 40 (75.0%): 27 ok, 0 degraded, 3 failed"
    assert lines[-2:] == ["      2 x  failed: gone", "      1 x  failed: cut"]


def test_the_rate_is_that_of_the_last_minutes_not_of_a_night_before() -> None:
    receipts = [receipt(0, 1000, 10), receipt(1, 100_000, 10), receipt(2, 100_010, 10)]
    progressed = Progressed.of(receipts, PLANNED)
    assert progressed.scenes_per_second(100_600) == pytest.approx(20 / 600)
    assert progressed.scenes_per_second(900_000) == pytest.approx(30 / 99_020)  # nobody works any more


def test_nothing_done_and_all_done() -> None:
    facts = Progressed.of([], PLANNED).facts()
    assert (facts["scenes_per_second"], facts["seconds_left"], facts["cost"]) == (None, None, None)
    assert lines_of(facts)[0].startswith("scenes     0 of 40 (0.0%)")
    done = Progressed.of([receipt(i, 1000 + i, 10) for i in range(4)], PLANNED)
    assert done.is_done
    assert done.facts(now=9e9)["seconds_left"] == 0
    assert "left" not in "".join(lines_of(done.facts(now=9e9)))
