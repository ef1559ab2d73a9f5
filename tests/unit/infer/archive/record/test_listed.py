"""Lists of scenes: tables of keys, of URLs and of STAC items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from infer.archive.objects.place import ObjectFacts
from infer.archive.record.listed import read_list, split_base
from infer.errors import UsageError


def written(path: Path, **columns: Any) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def facts(path: Path, base: str = "s3://b/in", asset: str | None = None) -> tuple[str, list[ObjectFacts]]:
    place, objects = split_base(read_list(path, asset), base)
    return place, list(objects)


def test_keys_lie_in_the_base(tmp_path: Path) -> None:
    path = written(
        tmp_path / "l.parquet", key=["a.tif", "b/c.tif"], size=[5, 6], etag=["x", None], more=[1, 2]
    )
    assert facts(path) == ("s3://b/in", [ObjectFacts("a.tif", 5, "x"), ObjectFacts("b/c.tif", 6, None)])


@pytest.mark.parametrize("name", ["href", "url", "key"])
def test_urls_name_their_place(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / "l.parquet", **{name: ["s3://x/a/1.tif", "s3://x/2.tif"]})
    assert facts(path) == ("s3://x", [ObjectFacts("a/1.tif", 0, None), ObjectFacts("2.tif", 0, None)])


def test_paths_and_file_urls_begin_at_the_root(tmp_path: Path) -> None:
    path = written(
        tmp_path / "l.parquet", href=["/data/1.tif", "file:///data/2%20b.tif", "file://localhost/3.tif"]
    )
    assert facts(path) == (
        "/",
        [ObjectFacts(key, 0, None) for key in ("data/1.tif", "data/2 b.tif", "3.tif")],
    )


def test_of_stac_items_an_asset_is_taken(tmp_path: Path) -> None:
    assets = [
        {"thumbnail": {"href": "s3://x/1.png"}, "visual": {"href": "s3://x/1.TIF"}, "red": {"href": "s3://x/r.tif"}},
        {"thumbnail": {"href": "s3://x/2.png"}, "visual": None, "red": {"href": "s3://x/r2.tif"}},
    ]  # fmt: skip
    path = written(tmp_path / "l.parquet", id=["1", "2"], assets=assets)
    assert [one.key for one in facts(path)[1]] == ["1.TIF", "r2.tif"]
    assert [one.key for one in facts(path, asset="red")[1]] == ["r.tif", "r2.tif"]
    with pytest.raises(UsageError, match="no asset visual, but thumbnail, red"):
        facts(path, asset="visual")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"name": ["a.tif"]}, "says nowhere where its scenes are"),
        ({"key": ["a.tif", None]}, "a row without a usable key"),
        ({"key": ["a.tif", "../b.tif"]}, "no key of a scene"),
        ({"key": ["a.tif", "s3://other/b.tif"]}, "scenes in s3://b/in and in s3://other"),
        ({"key": [3]}, "a row without a usable key"),
        ({"key": ["a\0.tif"]}, "no key of a scene"),
        ({"key": ["a.tif"], "size": [float("inf")]}, "a row without a usable key, size"),
        (
            {"key": ["a.tif"], "size": pyarrow.array([2**64 - 1], pyarrow.uint64())},
            "without a usable key, size",
        ),
        ({"assets": ["text"]}, "no asset that is a TIFF, but none"),
        ({"assets": [["text"]]}, "no asset that is a TIFF, but none"),
        ({"assets": [{"x": {"href": 3}}]}, "no asset that is a TIFF, but x"),
        ({"assets": [{"x": {"href": "s3://x/a.png"}}]}, "no asset that is a TIFF, but x"),
    ],
)
def test_what_is_wrong_with_a_list_is_one_line(tmp_path: Path, columns: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        facts(written(tmp_path / "l.parquet", **columns))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no Parquet at all", b"PAR1" * 100])
def test_what_is_no_list_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "l.parquet"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read as a list") as caught:
        facts(path)
    assert "\n" not in str(caught.value)


def test_a_list_of_no_scene_has_none(tmp_path: Path) -> None:
    path = written(tmp_path / "l.parquet", key=pyarrow.array([], pyarrow.string()))
    assert facts(path) == ("s3://b/in", [])
