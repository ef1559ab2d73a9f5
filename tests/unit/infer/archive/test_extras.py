"""`archive run --vector --stac` and `archive export`: what a run leaves beside its masks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pyogrio
import pytest
import shapely

from infer.archive.stac.table import read_items
from tests.helpers.job.placed import POLAR, UTM, write_placed
from tests.helpers.support import REPO, random_rgb, run_infer
from train_offline.scenery.scene import make_scene

PLACED = ("s0_20240131T101112.tif", "s1_20240201T101112.tif", "s2_20240202T101112.tif")
BARE = "s3_20240203T101112.tif"


def archive(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infer.archive", *map(str, arguments)]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three with a place, one without, one broken; over two megapixels, as for the archive's engine."""
    folder = tmp_path_factory.mktemp("extras") / "scenes"
    folder.mkdir()
    for i, name in enumerate(PLACED):
        place = POLAR if i == 1 else UTM
        write_placed(folder / name, make_scene(i, 700, 800, ice=True).image, **place)
    write_placed(folder / BARE, random_rgb(800, 800))
    (folder / "broken.tif").write_bytes(b"no TIFF")
    return folder


@pytest.fixture(scope="module")
def run(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run") / "run"
    result = archive("run", scenes, "--output", run, "--unit-scenes", "2", "--vector", "--stac")
    assert result.returncode == 0, result.stderr
    return run


def receipts(run: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(run.glob("receipts/*.json"))]


def entries(run: Path) -> dict[str, dict[str, Any]]:
    return {entry["key"]: entry for receipt in receipts(run) for entry in receipt["scenes"]}


def read(path: Path) -> tuple[list[str], list[bytes]]:
    """The names of scenes and the polygons in a file of any form."""
    if path.suffix == ".geoparquet":
        table = pyarrow.parquet.read_table(path)
        return table["scene"].to_pylist(), table["geometry"].to_pylist()
    _, _, shapes, columns = pyogrio.raw.read(path)
    return columns[0].tolist(), list(shapes)


def rows_of(table: pyarrow.Table) -> Iterator[tuple[Any, ...]]:
    columns = (table[name].to_pylist() for name in ("scene", "area_m2", "area_px", "geometry"))
    yield from sorted(zip(*columns, strict=True))


def test_polygons_are_those_of_the_plain_job(scenes: Path, run: Path, tmp_path: Path) -> None:
    arguments = ("--input", scenes, "--output", tmp_path, "--device", "cpu", "--format", "geotiff")
    assert run_infer(*arguments, "--vector", "geoparquet").returncode == 0
    plain = pyarrow.parquet.read_table(tmp_path / "ice.parquet")
    keys = [receipt["vectors"]["key"] for receipt in receipts(run)]
    assert len(set(keys)) == len(keys) == 3
    tables = [pyarrow.parquet.read_table(run / key) for key in keys]
    assert list(rows_of(pyarrow.concat_tables(tables))) == list(rows_of(plain))
    assert set(plain["scene"].to_pylist()) == set(PLACED)
    assert json.loads(tables[0].schema.metadata[b"geo"])["version"] == "1.1.0"
    areas = dict.fromkeys(PLACED, 0.0)
    for scene, area in zip(plain["scene"].to_pylist(), plain["area_m2"].to_pylist(), strict=True):
        areas[scene] += area
    assert {name: entries(run)[name]["ice_m2"] for name in PLACED} == pytest.approx(areas)
    assert entries(run)[BARE]["ice_m2"] is None
    assert "it has no coordinates, and so no polygons" in entries(run)[BARE]["notes"]


def test_items_say_where_and_when_and_what_has_none_is_told(run: Path) -> None:
    items = {}
    for receipt in receipts(run):
        if receipt["stac"]:
            table = (run / receipt["stac"]["key"]).read_bytes()
            items |= {item.properties["seaice:key"]: item for item in read_items(table)}
    assert set(items) == set(PLACED)
    assert "no item: the scene has no georeference" in entries(run)[BARE]["notes"]
    for name, item in items.items():
        entry = entries(run)[name]
        assert item.properties["proj:code"] == ("EPSG:3413" if name == PLACED[1] else "EPSG:32633")
        assert item.properties["proj:shape"] == [700, 800]
        assert item.datetime.isoformat().startswith(f"{name[3:7]}-{name[7:9]}-{name[9:11]}T10:11:12")
        assert item.properties["seaice:ice_m2"] == entry["ice_m2"]
        assert Path(item.assets["mask"].href).read_bytes() == (run / entry["mask"]).read_bytes()
        assert Path(item.assets["overview"].href).is_file()
        west, south, east, north = entry["bounds"]
        outline = shapely.geometry.shape(item.geometry)
        assert outline.is_valid
        assert outline.bounds == pytest.approx((west, south, east, north), abs=2e-3)
        model = next(link.href for link in item.links if link.href.endswith("weights.json"))
        weights = json.loads(Path(model).read_bytes())
        assert Path(weights["assets"]["weights"]["href"]).is_file()


@pytest.mark.parametrize("form", ["gpkg", "geoparquet", "geojson"])
def test_export_writes_all_polygons_or_those_in_a_box(run: Path, tmp_path: Path, form: str) -> None:
    to = tmp_path / f"some name.{form}"
    result = archive("export", "--output", run, "--format", form, "--to", to)
    assert result.returncode == 0, result.stderr
    keys = [receipt["vectors"]["key"] for receipt in receipts(run)]
    wanted = pyarrow.concat_tables([pyarrow.parquet.read_table(run / key) for key in keys])
    scenes, shapes = read(to)
    assert result.stdout == f"{len(wanted)} polygons in {to}\n"
    assert len(shapes) == len(wanted)
    assert sorted(scenes) == sorted(wanted["scene"].to_pylist())
    boxes = shapely.bounds(shapely.from_wkb(shapes))
    x, y = boxes[len(boxes) // 2, :2]
    box = (x - 1e-3, y - 1e-3, x + 1e-3, y + 1e-3)
    inside = (
        (boxes[:, 0] <= box[2]) & (boxes[:, 2] >= box[0]) & (boxes[:, 1] <= box[3]) & (boxes[:, 3] >= box[1])
    )
    assert 0 < inside.sum() < len(boxes)
    text = ",".join(map(repr, map(float, box)))
    assert archive("export", "--output", run, "--format", form, "--to", to, f"--bbox={text}").returncode == 0
    assert len(read(to)[1]) == inside.sum()
    assert [path.name for path in tmp_path.iterdir()] == [to.name]


def test_a_box_may_cross_180_degrees(run: Path, tmp_path: Path) -> None:
    export = ("export", "--output", run, "--format", "geojson", "--to", tmp_path / "x.json")
    assert archive(*export, "--bbox=170,-90,-170,90").stdout.startswith("0 polygons")
    assert not archive(*export, "--bbox=10,-90,-170,90").stdout.startswith("0 polygons")


def test_a_box_may_begin_with_a_minus(run: Path, tmp_path: Path) -> None:
    export = ("export", "--output", run, "--format", "geojson", "--to", tmp_path / "x.json")
    assert archive(*export, "--bbox", "-10,-60,-5,-50").stdout.startswith("0 polygons")


def test_lost_files_of_units_are_found_and_made_anew(run: Path, tmp_path: Path) -> None:
    whole = {path: path.read_bytes() for path in [*run.glob("vectors/*"), *run.glob("stac/0*")]}
    gone = run / next(receipt["vectors"]["key"] for receipt in receipts(run))
    gone.unlink()
    junk = run / next(receipt["stac"]["key"] for receipt in receipts(run) if receipt["stac"])
    junk.write_bytes(b"junk")
    export = ("export", "--output", run, "--format", "gpkg", "--to", tmp_path / "x.gpkg")
    lost = archive(*export)
    assert (lost.returncode, len(lost.stderr.splitlines())) == (2, 1)
    found = archive("verify", "--output", run, "--redo")
    assert (found.returncode, found.stdout.split(" ")[0]) == (4, "2")
    assert archive("run", "--output", run).returncode == 0
    assert archive("verify", "--output", run).returncode == 0
    assert {path: path.read_bytes() for path in whole} == whole
    assert archive(*export).returncode == 0


def test_wrong_calls_are_one_line(run: Path, scenes: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    assert archive("plan", scenes, "--output", plain).returncode == 0
    export = ("export", "--format", "gpkg", "--to")
    for call, said in (
        ((*export, tmp_path / "x.gpkg", "--output", plain), "has no polygons"),
        ((*export, tmp_path / "no" / "x.gpkg", "--output", run), "cannot write"),
        ((*export, tmp_path / "x.gpkg", "--output", run, "--bbox", "1,2,3"), "W,S,E,N"),
        ((*export, tmp_path / "x.gpkg", "--output", run, "--bbox", "1,9,3,2"), "W,S,E,N"),
        (("run", scenes, "--output", run), "polygons True, now False"),
        (("plan", scenes, "--output", tmp_path / "p", "--stac", "--format", "png"), "STAC"),
    ):
        result = archive(*call)
        assert (result.returncode, len(result.stderr.splitlines())) == (2, 1), result.stderr
        assert said in result.stderr


def test_the_map_knows_the_area(run: Path) -> None:
    assert archive("map", "--output", run, "--to", run / "map.html").returncode == 0
    page = (run / "map.html").read_text()
    facts = json.loads(page.split('id="facts">')[1].split("</script>")[0])
    assert facts["with_area"] == len(PLACED)
    assert facts["ice_m2"] == pytest.approx(np.sum([entries(run)[name]["ice_m2"] for name in PLACED]))
