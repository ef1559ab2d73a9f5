"""The job with `--format geotiff`: masks that lie where their scenes lie."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rio_cogeo.cogeo import cog_validate

from infer.write.geotiff.georeference import NO_CRS
from tests.helpers.job.placed import UTM, WAYS, placed_scenes, write_placed, write_turned
from tests.helpers.support import random_rgb, read_masks, run_infer, shared

NAMES = {*WAYS, "turned", "holes", "broken"}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return placed_scenes(tmp_path_factory.mktemp("placed") / "in")


@pytest.fixture(scope="module")
def masks(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The masks of placed_scenes, and report.json beside the folder."""
    out = tmp_path_factory.mktemp("made") / "out"
    report = out.parent / "report.json"
    result = run_infer("--input", scenes, "--output", out, "--format", "geotiff", "--report", report)
    assert result.returncode == 0, result.stderr
    assert result.stderr == "infer: broken.tif: not a TIFF file: its mask has no data\n"
    return out


def test_every_scene_has_a_valid_cog(masks: Path) -> None:
    assert {path.name for path in masks.iterdir()} == {f"{name}.tif" for name in NAMES}
    for path in masks.iterdir():
        assert cog_validate(path, strict=True) == (True, [], [])


def test_masks_lie_where_their_scenes_lie(scenes: Path, masks: Path) -> None:
    for name in WAYS:
        with rasterio.open(scenes / f"{name}.tif") as scene, rasterio.open(masks / f"{name}.tif") as mask:
            assert (mask.shape, mask.crs, mask.transform) == (scene.shape, scene.crs, scene.transform), name
            (points, crs), (wanted, wanted_crs) = mask.gcps, scene.gcps
            assert (crs, len(points)) == (wanted_crs, len(wanted))
            for one, other in zip(points, wanted, strict=True):
                assert (one.row, one.col, one.x, one.y) == (other.row, other.col, other.x, other.y)
            assert bool(mask.rpcs) == bool(scene.rpcs) == ("rpcs" in WAYS[name])
            assert not mask.rpcs or mask.rpcs.to_gdal() == scene.rpcs.to_gdal()
    with rasterio.open(masks / "turned.tif") as mask:
        assert (mask.shape, mask.crs.to_epsg()) == ((41, 31), 32633)
        # Its last column is the file's first row, along which the coordinates run eastwards.
        assert mask.transform == Affine(0, 10, 5e5, 10, 0, 8e6 - 310)


def test_pixels_are_those_of_the_png_and_no_data_is_no_water(
    scenes: Path, masks: Path, tmp_path: Path
) -> None:
    plain, named = tmp_path / "png", tmp_path / "named"
    assert run_infer("--input", scenes, "--output", plain).returncode == 0
    arguments = ("--format", "geotiff", "--nodata", "7", "--quiet")
    assert run_infer("--input", scenes, "--output", named, *arguments).returncode == 0
    with rasterio.open(scenes / "holes.tiff") as scene:
        holes = (scene.read() == 0).all(axis=0)
    assert holes.sum() == 20 * 35
    for name, png in read_masks(plain).items():
        for folder, nodata in ((masks, 254), (named, 7)):
            with rasterio.open(folder / name.replace(".png", ".tif")) as mask:
                pixels = mask.read(1)
                assert mask.nodata == nodata
            empty = {"holes.png": holes, "broken.png": np.ones(png.shape, bool)}.get(name)
            empty = np.zeros(png.shape, bool) if empty is None else empty
            np.testing.assert_array_equal(pixels == nodata, empty)
            np.testing.assert_array_equal(np.where(empty, 0, pixels), png)


def test_the_report_counts_ice_over_pixels_with_data(masks: Path) -> None:
    report = json.loads((masks.parent / "report.json").read_text())
    facts = {scene["name"]: scene for scene in report["scenes"]}
    with rasterio.open(masks / "holes.tif") as mask:
        pixels = mask.read(1, masked=True)
    assert facts["holes.tiff"]["ice_fraction"] == pytest.approx((pixels == 255).mean())
    assert (facts["broken.tif"]["status"], facts["broken.tif"]["ice_fraction"]) == ("degraded", None)


def test_resume_keeps_masks_of_the_same_form_only(scenes: Path, tmp_path: Path) -> None:
    arguments = ("--input", scenes, "--output", tmp_path / "o", "--format", "geotiff", "--resume", "--strict")
    assert run_infer(*arguments).returncode == 3
    first = {path.name: path.read_bytes() for path in (tmp_path / "o").iterdir()}
    (tmp_path / "o" / "utm.tif").write_bytes(first["utm.tif"][:900])
    (tmp_path / "o" / "rpcs.tif").unlink()
    again = run_infer(*arguments)
    assert f"{len(NAMES) - 3} kept" in again.stdout
    assert {path.name: path.read_bytes() for path in (tmp_path / "o").iterdir()} == first
    assert " kept" not in run_infer(*arguments, "--nodata", "9").stdout


def test_what_gdal_cannot_read_is_noted_and_what_kills_it_costs_one_scene(tmp_path: Path) -> None:
    folder, out, report = tmp_path / "in", tmp_path / "out", tmp_path / "report.json"
    folder.mkdir()
    for name in "abcd":
        write_placed(folder / f"{name}.tif", random_rgb(31, 41), **UTM)
    unknown = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 20)
    write_turned(folder / "keys.tif", random_rgb(31, 41), 1, unknown)
    deadly = """
def read_georeference(path, header, original=read_georeference):
    if path.name == "b.tif":
        import os
        os.abort()
    return original(path, header)
"""
    patches = {"infer.write.geotiff.georeference": deadly}
    arguments = ("--input", folder, "--output", out, "--format", "geotiff", "--report", report)
    result = run_infer(*arguments, patches=patches)
    assert result.returncode == 0, result.stderr
    assert f"infer: keys.tif: {NO_CRS}" in result.stderr
    facts = {scene["name"]: scene for scene in json.loads(report.read_text())["scenes"]}
    assert {name for name, scene in facts.items() if scene["status"] != "ok"} == {"b.tif"}
    assert "killed the process" in facts["b.tif"]["error"]
    assert facts["keys.tif"]["notes"] == [NO_CRS]
    for name in "acd":
        with rasterio.open(out / f"{name}.tif") as mask:
            assert mask.transform == UTM["transform"]


def test_only_broken_scenes_end_with_their_code(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    arguments = ("--input", tmp_path / "in", "--output", tmp_path / "out", "--format", "geotiff")
    assert run_infer(*arguments).returncode == 5
    (tmp_path / "in" / "a.tif").write_text("no")
    assert run_infer(*arguments).returncode == 6


@pytest.mark.parametrize("nodata", ["0", "255", "256", "-1", "1.5", "", "ice"])
def test_nodata_is_one_to_254(scenes: Path, tmp_path: Path, nodata: str) -> None:
    arguments = ("--input", scenes, "--output", tmp_path / "o", "--format", "geotiff", f"--nodata={nodata}")
    result = run_infer(*arguments)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert "--nodata: must be a whole number of 1 to 254" in result.stderr
    assert not (tmp_path / "o").exists()


def test_wrong_calls_are_one_line(scenes: Path, tmp_path: Path) -> None:
    (tmp_path / "rasterio.py").write_text("raise ImportError('no rasterio here')")
    calls: list[tuple[list[str], dict[str, str] | None, str]] = [
        (["--nodata", "9"], None, "add --format geotiff"),
        (["--format", "geotiff", "--output", str(scenes)], None, "give another folder with --output"),
        (["--format", "geotiff"], {"infer": f"import sys; sys.path.insert(0, {str(tmp_path)!r})"},
         'GeoTIFF masks need the packages of the image\'s target "archive" (or .venv: ./run.sh setup)'),
    ]  # fmt: skip
    before = {path: path.read_bytes() for path in scenes.iterdir()}
    for arguments, patches, line in calls:
        result = run_infer("--input", scenes, "--output", tmp_path / "o", *arguments, patches=patches)
        assert (result.returncode, len(result.stderr.splitlines())) == (2, 1), result.stderr
        assert line in result.stderr
    assert {path: path.read_bytes() for path in scenes.iterdir()} == before


def test_real_scenes_keep_their_coordinates(tmp_path: Path) -> None:
    folder = shared("data/floes_modis") / "image"
    (tmp_path / "in").mkdir()
    for path in sorted(folder.iterdir())[:17:4]:
        (tmp_path / "in" / path.name).symlink_to(path)
    result = run_infer("--input", tmp_path / "in", "--output", tmp_path / "out", "--format", "geotiff")
    assert (result.returncode, result.stderr) == (0, "")
    for path in (tmp_path / "in").iterdir():
        mask_path = tmp_path / "out" / f"{path.stem}.tif"
        assert cog_validate(mask_path, strict=True) == (True, [], [])
        with rasterio.open(path) as scene, rasterio.open(mask_path) as mask:
            assert (mask.crs, mask.transform, mask.shape) == (scene.crs, scene.transform, scene.shape)
            assert (mask.read(1) == 255).any()
