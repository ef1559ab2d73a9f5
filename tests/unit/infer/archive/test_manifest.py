"""The manifest of a run: sorted, frozen, each scene in one unit, and a million of them in bounded memory."""

from __future__ import annotations

import io
import random
import re
import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from infer.archive.manifest import Planned, listed_in, plan, planned, read_units
from infer.archive.objects.place import ObjectFacts, Place
from infer.archive.store import open_place
from infer.errors import UsageError
from tests.helpers.support import REPO

MILLION = """
import sys, time
from pathlib import Path
from infer.archive.manifest import plan, read_units
from infer.archive.objects.place import ObjectFacts
from infer.archive.store import open_place
n = int(sys.argv[2])
names = (ObjectFacts(f"2019/{i * 7919 % n % 97:02}/scene_of_archive_{i * 7919 % n:09}.tif", 9, f'"{i:032x}"')
         for i in range(n))
run = open_place(sys.argv[1], 1, print)
began = time.monotonic()
found = plan(open_place("/nowhere", 1, print), run, names=names)
seconds = time.monotonic() - began
assert sum(len(unit.scenes) for unit in read_units(run)) == n
status = Path("/proc/self/status").read_text()
print(found.scenes, found.units, round(seconds, 1), status.split("VmHWM:")[1].split()[0])
"""


@pytest.fixture
def source(tmp_path: Path) -> Place:
    return open_place(tmp_path / "scenes", 1, print)


@pytest.fixture
def run(tmp_path: Path) -> Place:
    return open_place(tmp_path / "run", 1, print)


def facts(*keys: str, size: int = 10) -> list[ObjectFacts]:
    return [ObjectFacts(key, size, f'"{key}"') for key in keys]


def test_scenes_are_sorted_by_bytes_whatever_the_order_of_the_list(source: Place, run: Place) -> None:
    keys = ["B.tif", "a/x.TIF", "a0.tiff", "b.tif", "z.TifF", "ä.tif", "\U0001f9ca.tif", "\uff21.tif"]
    shuffled = random.Random(1).sample(keys, len(keys))
    assert plan(source, run, per_unit=3, names=facts(*shuffled)) == Planned(8, 3)
    units = list(read_units(run))
    assert [scene.key for unit in units for scene in unit.scenes] == sorted(keys, key=str.encode)
    assert [(unit.number, len(unit.scenes)) for unit in units] == [(0, 3), (1, 3), (2, 2)]
    assert units[0].scenes[0] == ("B.tif", '"B.tif"', 10, None)


def test_only_tiffs_of_the_source_are_scenes_and_none_of_a_run_in_it(source: Place, tmp_path: Path) -> None:
    for key in ("a.tif", "a.tif.xml", "notes.txt", "tif", "out/masks/a.tif", "out 2/b.tiff"):
        source.put(key, b"12345")
    run = open_place(tmp_path / "scenes/out", 1, print)
    assert plan(source, run) == plan(source, run) == Planned(2, 1)
    assert [scene.key for unit in read_units(run) for scene in unit.scenes] == ["a.tif", "out 2/b.tiff"]
    with pytest.raises(UsageError, match="source of the scenes itself"):
        plan(source, source)


def test_a_mask_name_has_one_owner_however_far_apart_the_keys_are(source: Place, run: Place) -> None:
    plan(source, run, names=facts("d/a.tiff", "d/a.b.tif", "d/a.tif", "d/a.TIF", "e/a.tif", "d/a.tif"))
    (unit,) = read_units(run)
    assert {scene.key: scene.refused for scene in unit.scenes} == {
        "d/a.TIF": None,
        "d/a.b.tif": None,
        "d/a.tif": "its mask a.tif belongs to a.TIF",
        "d/a.tiff": "its mask a.tif belongs to a.TIF",
        "e/a.tif": None,
    }
    assert len(unit.scenes) == 5


def test_a_big_scene_has_a_unit_of_its_own(source: Place, run: Place) -> None:
    sizes = {"a.tif": 5, "b.tif": 101, "c.tif": 100, "d.tif": 5, "e.tif": 200, "f.tif": 300}
    names = [ObjectFacts(key, size, None) for key, size in sizes.items()]
    assert plan(source, run, big=100, names=names) == Planned(6, 5)
    units = [[scene.key for scene in unit.scenes] for unit in read_units(run)]
    assert units == [["a.tif"], ["b.tif"], ["c.tif", "d.tif"], ["e.tif"], ["f.tif"]]


def test_units_that_are_wanted_come_across_parts(
    source: Place, run: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infer.archive.manifest.ROWS", 5)
    plan(source, run, per_unit=4, names=facts(*(f"{i:03}.tif" for i in range(23))))
    assert len(list((tmp_path / "run/manifest").glob("part-*.parquet"))) == 5
    every = list(read_units(run))
    assert [len(unit.scenes) for unit in every] == [4, 4, 4, 4, 4, 3]
    assert list(read_units(run, {1, 5, 77})) == [every[1], every[5]]
    assert list(read_units(run, set())) == []
    table = parquet.read_table(tmp_path / "run/manifest/part-00000.parquet")
    assert table.schema.names == ["key", "etag", "size", "unit", "refused"]
    assert table.schema.field("unit").type == pyarrow.int32()


def test_a_manifest_is_frozen(source: Place, run: Place, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="plan it first"):
        planned(run)
    first = plan(source, run, names=facts("a.tif", "b.tif"))
    before = (tmp_path / "run/manifest/part-00000.parquet").read_bytes()
    assert plan(source, run, names=facts("b.tif", "a.tif")) == first == planned(run)
    changed = [ObjectFacts("a.tif", 10, '"other"'), *facts("b.tif")]
    for names in (facts("a.tif"), facts("a.tif", "b.tif", "c.tif"), changed):
        with pytest.raises(UsageError, match=re.escape("have changed since")) as caught:
            plan(source, run, names=names)
        assert "new --output" in str(caught.value)
    assert (tmp_path / "run/manifest/part-00000.parquet").read_bytes() == before


@pytest.mark.parametrize("broken", [b"", None])
def test_a_part_that_is_not_as_planned_is_told(source: Place, run: Place, broken: bytes | None) -> None:
    plan(source, run, names=facts("a.tif"))
    run.delete("manifest/part-00000.parquet")
    if broken is not None:
        run.put("manifest/part-00000.parquet", broken)
    with pytest.raises(UsageError, match="not as it was planned"):
        list(read_units(run))


def test_no_scene_is_a_wrong_call(source: Place, run: Place) -> None:
    source.put("notes.txt", b"")
    with pytest.raises(UsageError, match=r"no \.tif or \.tiff in .*scenes"):
        plan(source, run)
    assert list(run.list()) == []
    with pytest.raises(UsageError, match="no UTF-8"):
        plan(source, run, names=facts("a\udcff.tif"))


def test_a_list_of_scenes_is_a_parquet_with_keys(source: Place, run: Place, tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    parquet.write_table(pyarrow.table({"key": ["b.tif", "a.tif"], "cloud": [1, 2]}), path)
    assert list(listed_in(path)) == [("b.tif", 0, None), ("a.tif", 0, None)]
    assert plan(source, run, names=listed_in(path)) == Planned(2, 1)
    out = io.BytesIO()
    parquet.write_table(pyarrow.table({"key": ["a.tif"], "etag": ["e"], "size": [7]}), out)
    assert list(listed_in(out.getvalue())) == [("a.tif", 7, "e")]
    parquet.write_table(pyarrow.table({"name": ["a.tif"]}), path)
    for table, said in ((path, "no column key"), (b"text", "no Parquet"), (tmp_path / "gone", "no Parquet")):
        with pytest.raises(UsageError, match=said):
            list(listed_in(table))
    parquet.write_table(pyarrow.table({"key": [1]}), path)
    with pytest.raises(UsageError, match="no text"):
        list(listed_in(path))


def test_many_keys_take_little_time_and_memory(tmp_path: Path) -> None:
    """An eighth of a million here, as fast and as small as a million has to be."""
    done = subprocess.run(
        [sys.executable, "-c", MILLION, tmp_path / "run", "125000"],
        capture_output=True, text=True, check=True, cwd=REPO,
    )  # fmt: skip
    scenes, units, seconds, kilobytes = done.stdout.split()
    assert (scenes, units) == ("125000", "1954")
    assert float(seconds) < 20
    assert int(kilobytes) < 300_000
