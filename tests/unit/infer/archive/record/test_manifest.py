"""Which scenes a run has: each once, in units, frozen."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from infer.archive.record import manifest
from infer.archive.record.manifest import ObjectFacts, Place, Planned, Unit, plan, planned_of, read_units
from infer.archive.store import open_place
from infer.errors import UsageError


@pytest.fixture
def run(tmp_path: Path) -> Place:
    return open_place(tmp_path / "run", 5, print)


def objects(count: int, size: int = 10) -> list[ObjectFacts]:
    return [ObjectFacts(f"{i % 3}/s{i:04d}.tif", size, f"etag{i}") for i in range(count)]


def units_of(run: Place, planned: Planned) -> list[Unit]:
    return list(read_units(run, planned))


def test_every_scene_is_in_one_unit_whatever_the_order_of_the_listing(run: Place, tmp_path: Path) -> None:
    listed = [*objects(50), ObjectFacts("notes.txt", 3, None), ObjectFacts("B.TIFF", 5, None)]
    random.Random(3).shuffle(listed)
    planned = plan(listed, run, run, per_unit=8)
    assert planned == planned_of(run) == Planned(scenes=51, units=7, refused=0, parts=1)
    units = units_of(run, planned)
    assert [unit.number for unit in units] == list(range(7))
    assert {len(unit.scenes) for unit in units} == {8, 3}
    scenes = [scene for unit in units for scene in unit.scenes]
    assert {(s.key, s.size, s.etag) for s in scenes} == {tuple(o) for o in listed if o.key != "notes.txt"}
    other = open_place(tmp_path / "other", 5, print)
    assert units_of(other, plan(sorted(listed), other, other, per_unit=8)) == units


def test_a_scene_that_is_listed_twice_is_one(run: Place) -> None:
    one, other = objects(2)
    assert plan([one, other, one], run, run) == Planned(scenes=2, units=1, refused=0, parts=1)


def test_units_do_not_cross_parts(run: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "ROWS", 20)
    monkeypatch.setattr(manifest, "CHUNK", 7)
    planned = plan(objects(50), run, run, per_unit=8)
    assert (planned.units, planned.parts) == (7, 3)
    assert [len(unit.scenes) for unit in units_of(run, planned)] == [8] * 6 + [2]
    monkeypatch.setattr(manifest, "ROWS", 5)  # smaller than a unit
    assert manifest._cuts(manifest._units(manifest.np.full(20, 1), 8, 99)) == [(0, 8), (8, 16), (16, 20)]


def test_a_big_scene_has_a_unit_of_its_own(run: Place) -> None:
    listed = [ObjectFacts(f"{i}.tif", 1000 if i in (3, 4, 9) else 1, None) for i in range(10)]
    planned = plan(listed, run, run, per_unit=4, big=999)
    assert [[s.key[0] for s in unit.scenes] for unit in units_of(run, planned)] == [
        ["0", "1", "2"], ["3"], ["4"], ["5", "6", "7", "8"], ["9"],
    ]  # fmt: skip


def test_the_first_of_those_that_ask_for_one_mask_keeps_it(run: Place) -> None:
    keys = ["b.tif", "a.tiff", "a.TIF", "a.tif", "a/x.tif", "a.tif.tif", "b/a.tif"]
    planned = plan([ObjectFacts(key, 1, None) for key in keys], run, run)
    assert (planned.scenes, planned.refused) == (7, 2)
    (unit,) = units_of(run, planned)
    refused = {scene.key: scene.refused for scene in unit.scenes if scene.refused}
    assert refused == dict.fromkeys(("a.tif", "a.tiff"), "its mask belongs to a.TIF: rename one of them")


def test_a_manifest_is_frozen(run: Place) -> None:
    planned = plan(objects(9), run, run)
    before = units_of(run, planned)
    assert plan(objects(9), run, run) == planned
    for others in (objects(8), objects(9, size=11), [*objects(9), ObjectFacts("new.tif", 1, None)]):
        with pytest.raises(UsageError, match="was planned for other scenes"):
            plan(others, run, run)
    assert units_of(run, planned) == before


def test_no_scene_and_no_manifest_are_one_line(run: Place) -> None:
    with pytest.raises(UsageError, match=r"no \.tif or \.tiff in"):
        plan([ObjectFacts("a.png", 1, None)], run, run)
    with pytest.raises(UsageError, match="is not planned"):
        planned_of(run)
    run.put("manifest/done.json", b"[]")
    with pytest.raises(UsageError, match="is no manifest"):
        planned_of(run)
