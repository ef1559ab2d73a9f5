"""The job with `--vector`: the ice of a folder as polygons, wherever its scenes say that they lie."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest

from infer.settings import VECTORS
from infer.write.vectors.layer import FILES
from tests.helpers.job.placed import WAYS, write_placed
from tests.helpers.support import read_masks, run_infer, write_tiff
from train_offline.scenery.scene import make_scene


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene with ice of every way to be placed, and one that is no TIFF."""
    folder = tmp_path_factory.mktemp("ice") / "in"
    folder.mkdir()
    image = make_scene(7, 96, 128, ice=True).image
    for name, place in WAYS.items():
        write_placed(folder / f"{name}.tif", image, **place)
    (folder / "broken.tif").write_bytes(b"no TIFF")
    return folder


def rows_of(path: Path) -> list[dict[str, Any]]:
    _, _, shapes, columns = pyogrio.raw.read(path)
    meta = pyogrio.read_info(path)
    assert meta["crs"] == "EPSG:4326"
    names = [str(name) for name in meta["fields"]]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)] if len(shapes) else []


def ice_pixels(masks: Path) -> dict[str, int]:
    return {name.removesuffix(".png"): int((mask == 255).sum()) for name, mask in read_masks(masks).items()}


@pytest.mark.parametrize("vector", [v for v in VECTORS if v != "geoparquet"])
def test_every_pixel_of_ice_lies_in_a_polygon(scenes: Path, tmp_path: Path, vector: str) -> None:
    report = tmp_path / "report.json"
    result = run_infer(
        "--input", scenes, "--output", tmp_path / "out", "--vector", vector, "--report", report
    )
    assert result.returncode == 0, result.stderr
    *_, line = result.stderr.splitlines()
    assert line == f"infer: 1 scene has no coordinates and no polygons in {FILES[vector]}"
    path = tmp_path / "out" / FILES[vector]
    rows = rows_of(path)
    path.unlink()
    assert json.loads(report.read_text())["polygons"] == len(rows) > len(WAYS)
    ice = ice_pixels(tmp_path / "out")
    assert ice["utm"] > 1000
    for name in WAYS:
        of_scene = [row for row in rows if row["scene"] == f"{name}.tif"]
        assert sum(row["area_px"] for row in of_scene) == (0 if name == "plain" else ice[name]), name
    for name in ("utm", "both"):  # pixels of 10 m; UTM is 4 parts in 10,000 too short along its middle
        square_metres = sum(row["area_m2"] for row in rows if row["scene"] == f"{name}.tif")
        assert square_metres == pytest.approx(100 * ice[name] / 0.9996**2, rel=1e-4)
    assert {row["scene"] for row in rows} == {f"{name}.tif" for name in WAYS} - {"plain.tif"}


def test_geoparquet_of_geotiff_masks_says_the_same(scenes: Path, tmp_path: Path) -> None:
    import pyarrow.parquet

    for folder, arguments in (("png", []), ("tif", ["--format", "geotiff"])):
        result = run_infer(
            "--input", scenes, "--output", tmp_path / folder, "--vector", "geoparquet", *arguments
        )
        assert result.returncode == 0, result.stderr
    png, tif = (pyarrow.parquet.read_table(tmp_path / folder / "ice.parquet") for folder in ("png", "tif"))
    assert len(png) > 0
    assert png.equals(tif)


def test_a_resumed_run_draws_what_it_kept(scenes: Path, tmp_path: Path) -> None:
    run = ("--input", scenes, "--output", tmp_path / "out")
    assert run_infer(*run).returncode == 0
    result = run_infer(*run, "--resume", "--vector", "gpkg")
    assert result.returncode == 0, result.stderr
    assert f"{len(WAYS)} kept" in result.stdout
    assert {row["scene"] for row in rows_of(tmp_path / "out" / "ice.gpkg")} == {
        f"{name}.tif" for name in WAYS if name != "plain"
    }


def test_scenes_without_ice_or_place_give_an_empty_layer(tmp_path: Path) -> None:
    scenes = tmp_path / "in"
    scenes.mkdir()
    write_tiff(scenes / "grey.tif", np.full((40, 40, 3), 90, np.uint8))
    result = run_infer("--input", scenes, "--output", tmp_path / "out", "--vector", "geojson")
    assert result.returncode == 0
    assert json.loads((tmp_path / "out" / "ice.geojson").read_text())["features"] == []


def test_a_layer_that_cannot_be_written_is_one_line_and_exit_4(scenes: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "ice.gpkg").mkdir(parents=True)
    result = run_infer("--input", scenes, "--output", tmp_path / "out", "--vector", "gpkg")
    assert result.returncode == 4, result.stderr
    assert result.stderr.splitlines()[-1].startswith("infer: cannot write ice.gpkg")
    assert len(list((tmp_path / "out").glob("*.png"))) == len(WAYS) + 1
    assert not [name for name in os.listdir(tmp_path / "out") if name.startswith(".")]
