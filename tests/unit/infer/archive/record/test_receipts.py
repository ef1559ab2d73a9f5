"""Receipts and attempts: a unit is done once, by one, and is tried a number of times that is known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from infer.archive.objects.local import LocalPlace
from infer.archive.objects.place import Place
from infer.archive.record.attempts import begin
from infer.archive.record.manifest import Planned
from infer.archive.record.receipts import (
    commit,
    done_units,
    drop,
    glance_at_receipts,
    read_receipt,
    read_receipts,
    receipt_of,
)
from infer.archive.record.status import Progressed
from infer.archive.store import open_place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return open_place(tmp_path / "run", 1, print)


def receipt(unit: int, nonce: str, status: str = "ok") -> dict[str, Any]:
    facts = {"unit": unit, "nonce": nonce, "attempt": 1, "began": 1.7e9 + unit / 8, "seconds": 2.5}
    error = None if status == "ok" else "cut"
    return receipt_of(facts, [{"key": "a.tif", "status": status, "error": error}])


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
        facts = {"unit": unit, "nonce": str(unit), "began": 1.0, "seconds": 1.5}
        whole = receipt_of(facts, entries(why))
        commit(place, whole)
        assert whole["states"] == {"degraded": 180, "ok": 1}
        assert whole["lost"][f"degraded: {why}7"] == 2
        wanted.append({name: value for name, value in whole.items() if name != "scenes"})
    found = sorted(glance_at_receipts(place), key=lambda one: int(one["unit"]))
    assert [{name: value for name, value in one.items() if name != "scenes"} for one in found] == wanted


class Opened(LocalPlace):
    """Counts the receipts that are looked into."""

    looked_into: tuple[str, ...] = ()

    def read_start(self, key: str, count: int) -> bytes:
        self.looked_into += (key,)
        return super().read_start(key, count)


def added_up(place: Place) -> dict[str, Any]:
    glances = list(glance_at_receipts(place))
    return Progressed.of(glances, Planned(8, 8, 0, 1)).facts(now=2e9)


def test_a_flawless_receipt_is_added_up_by_the_name_beside_it(tmp_path: Path) -> None:
    place = Opened(tmp_path / "run")
    for unit in range(4):
        commit(place, receipt(unit, "n", "degraded" if unit == 2 else "ok"))
    found = added_up(place)
    assert place.looked_into == ("receipts/00000002.json",)
    for name in list(place.list_names("sums")):
        place.delete(f"sums/{name}")
    assert added_up(place) == found
    assert len(place.looked_into) == 5
    assert (found["ok"], found["degraded"], found["reasons"]) == (3, 1, {"degraded: cut": 1})


def test_a_sum_of_another_receipt_is_not_believed(tmp_path: Path) -> None:
    place = Opened(tmp_path / "run")
    commit(place, receipt(0, "first"))
    place.delete("receipts/00000000.json")  # and its sum stays behind, as of one that is dropped just now
    assert added_up(place)["ok"] == 0
    commit(place, receipt(0, "the second", "failed"))
    assert added_up(place)["failed"] == 1
    drop(place, [0])
    assert list(place.list_names("sums")) == []
    place.put("sums/notes.txt", b"of the user")
    assert added_up(place)["units_done"] == 0


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
