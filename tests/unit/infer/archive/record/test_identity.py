"""A run is written into by what it was planned with, and by nothing else."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from infer.archive.objects.place import Place
from infer.archive.record.identity import ArchiveRun, code_version, create_run, read_run, require_same
from infer.archive.store import open_place
from infer.errors import UsageError

FIRST = ArchiveRun(
    weights="ab12",
    code="0.1+cd",
    gdal="3.11",
    device="cpu",
    engine="torch",
    precision="fp32",
    tile=512,
    overlap=64,
    multiple=32,
    threshold=0.5,
    format="cog",
    nodata=None,
    max_pixels=10**9,
    max_bytes=10**10,
    vector=False,
    stac=False,
    source="s3://scenes",
    nonce="one",
    created=1.5,
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return open_place(tmp_path / "run", 1, print)


def test_the_first_run_stands(place: Place) -> None:
    assert create_run(place, FIRST)
    assert not create_run(place, replace(FIRST, nonce="two"))
    assert read_run(place) == FIRST


def test_another_plan_of_the_same_is_the_same(place: Place) -> None:
    create_run(place, FIRST)
    assert require_same(place, replace(FIRST, nonce="two", created=2.5)) == FIRST


@pytest.mark.parametrize(
    "name", [field.name for field in fields(ArchiveRun) if field.name not in ("nonce", "created")]
)
def test_any_difference_of_the_masks_is_refused(place: Place, name: str) -> None:
    create_run(place, FIRST)
    with pytest.raises(UsageError, match="masks would differ"):
        require_same(place, replace(FIRST, **{name: 77}))


def test_the_line_names_what_differs_and_nothing_else(place: Place) -> None:
    create_run(place, FIRST)
    with pytest.raises(UsageError) as caught:
        require_same(place, replace(FIRST, gdal="3.9", tile=256, nonce="two"))
    line = str(caught.value)
    assert "version of GDAL 3.11, now 3.9; tile 512, now 256: use what it was planned with" in line
    assert "weights" not in line
    assert "\n" not in line


@pytest.mark.parametrize("content", [b"{}", b"no JSON", b"[]", b"null"])
def test_what_is_no_run_is_told(place: Place, content: bytes) -> None:
    with pytest.raises(UsageError, match="plan one first"):
        read_run(place)
    place.put("run.json", content)
    with pytest.raises(UsageError, match="no description of a run"):
        read_run(place)


def test_the_code_has_one_version() -> None:
    assert code_version() == code_version()
    assert len(code_version().partition("+")[2]) == 16


def test_a_run_from_before_a_setting_was_there_has_its_default(place: Place) -> None:
    create_run(place, FIRST)
    old = json.loads(place.read("run.json"))
    assert old.pop("threshold") == 0.5
    place.put("run.json", json.dumps(old).encode())
    assert read_run(place) == FIRST
    with pytest.raises(UsageError, match=r"threshold 0\.5, now 0\.3"):
        require_same(place, replace(FIRST, threshold=0.3))
