"""Receipts and attempts: a unit is done once, by one, and is tried a number of times that is known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from infer.archive.objects.place import Place
from infer.archive.record.attempts import begin
from infer.archive.record.receipts import (
    commit,
    done_units,
    drop,
    glance_at_receipts,
    read_receipt,
    read_receipts,
    receipt_of,
)
from infer.archive.store import open_place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return open_place(tmp_path / "run", 1, print)


def receipt(unit: int, nonce: str) -> dict[str, object]:
    return {"unit": unit, "nonce": nonce, "attempt": 1, "scenes": [{"key": "a.tif", "status": "ok"}]}


def test_attempts_are_counted_for_each_unit(place: Place) -> None:
    assert [begin(place, 7, str(nonce)).number for nonce in range(12)] == list(range(1, 13))
    assert begin(place, 70, "other").number == 1


def test_attempts_at_once_have_numbers_of_their_own(place: Place) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda nonce: begin(place, 3, str(nonce)).number, range(16)))
    assert sorted(numbers) == list(range(1, 17))


def test_the_first_receipt_stands(place: Place) -> None:
    assert read_receipt(place, 12) is None
    assert commit(place, receipt(12, "mine"))
    assert read_receipt(place, 12)
    assert not commit(place, receipt(12, "theirs"))
    assert commit(place, receipt(12, "mine"))  # its acknowledgement got lost, and it is written again
    assert list(read_receipts(place)) == [receipt(12, "mine")]


def test_done_units_are_those_with_a_receipt(place: Place) -> None:
    assert done_units(place) == set()
    for unit in (0, 5, 99_999_999):
        commit(place, receipt(unit, "n"))
    begin(place, 6, "n")
    place.put("receipts/notes.txt", b"of the user")
    assert done_units(place) == {0, 5, 99_999_999}


def test_read_receipts_gives_each_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infer.archive.record.receipts.AHEAD", 4)
    for unit in range(11):
        commit(place, receipt(unit, str(unit)))
    assert sorted(found["unit"] for found in read_receipts(place)) == list(range(11))


def test_a_glance_is_a_receipt_without_its_scenes(place: Place) -> None:
    def entries(why: str) -> list[dict[str, Any]]:
        lost = [{"key": f"{i}.tif", "status": "degraded", "error": f"{why}{i % 90}"} for i in range(180)]
        return [*lost, {"key": "x.tif", "status": "ok", "error": None}]

    wanted = []
    for unit, why in enumerate(("cut", 'a quote ", "scenes": [ and a brace }', "of many letters " * 20)):
        whole = receipt_of({"unit": unit, "nonce": str(unit), "seconds": 1.5}, entries(why))
        commit(place, whole)
        assert whole["states"] == {"degraded": 180, "ok": 1}
        assert whole["lost"][f"degraded: {why}7"] == 2
        wanted.append({name: value for name, value in whole.items() if name != "scenes"})
    found = sorted(glance_at_receipts(place), key=lambda one: int(one["unit"]))
    assert [{name: value for name, value in one.items() if name != "scenes"} for one in found] == wanted


def test_a_dropped_unit_is_done_again_from_its_first_attempt(place: Place) -> None:
    for unit in (1, 2):
        begin(place, unit, "a")
        begin(place, unit, "b")
        commit(place, receipt(unit, "b"))
    drop(place, [1, 3])
    assert read_receipt(place, 1) is None
    assert done_units(place) == {2}
    assert begin(place, 1, "c").number == 1
    assert begin(place, 2, "c").number == 3
