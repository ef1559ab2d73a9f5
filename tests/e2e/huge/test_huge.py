"""Scenes of more pixels than are ever whole in memory, by the job as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from infer.settings import HUGE_PIXELS
from tests.helpers.job.placed import UTM, write_placed
from tests.helpers.support import REPO, heed_signals, job, random_rgb, read_masks, run_infer, write_tiff
from train_offline.scenery.scene import make_scene

SHAPE, TILE = (12_288, 11_264), 512
ICY = make_scene(4, 1024, 1024, ice=True).image
AT = slice(7168, 8192), slice(3584, 4608)  # the rest was never written, and costs no pass of the network
BY_ROWS = {"infer.settings": "HUGE_PIXELS = 1000"}
IN_BANDS = {"infer.write.vectors.tracing": "MAX_BAND = 200_000"}


def write_sparse(path: Path, shape: tuple[int, int], at: tuple[slice, slice]) -> Path:
    form = {"tiled": True, "blockxsize": TILE, "blockysize": TILE, "compress": "deflate", "SPARSE_OK": True}
    size = {"height": shape[0], "width": shape[1], "count": 3, "dtype": "uint8", "photometric": "RGB"}
    with rasterio.open(path, "w", driver="GTiff", **size, **form) as file:
        file.write(np.moveaxis(ICY, 2, 0), window=Window.from_slices(*at))
    return path


@pytest.fixture(scope="module")
def huge_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("huge")
    write_sparse(folder / "a.tif", SHAPE, AT)
    return folder


def test_a_huge_scene_is_made_in_little_memory_and_kept(huge_scene: Path, tmp_path: Path) -> None:
    assert SHAPE[0] * SHAPE[1] > HUGE_PIXELS
    out, report = tmp_path / "out", tmp_path / "report.json"
    arguments = ("--input", huge_scene, "--output", out, "--device", "cpu", "--report", report)
    ran = run_infer(*arguments)
    assert ran.returncode == 0, ran.stderr
    said = json.loads(report.read_text())
    assert [scene["status"] for scene in said["scenes"]] == ["ok"]
    assert said["peak_rss_bytes"] < 2.2e9
    mask = cv2.imread(str(out / "a.png"), cv2.IMREAD_UNCHANGED)
    assert mask.shape == SHAPE
    assert said["scenes"][0]["ice_fraction"] == np.count_nonzero(mask) / mask.size
    assert np.count_nonzero(mask) == np.count_nonzero(mask[AT])
    assert 0 < np.count_nonzero(mask[AT]) < ICY.shape[0] * ICY.shape[1]
    written = (out / "a.png").stat().st_mtime_ns
    assert "1 kept" in run_infer(*arguments, "--resume").stdout
    assert (out / "a.png").stat().st_mtime_ns == written
    os.truncate(out / "a.png", (out / "a.png").stat().st_size - 40)
    assert "1 kept" not in run_infer(*arguments, "--resume").stdout
    np.testing.assert_array_equal(cv2.imread(str(out / "a.png"), cv2.IMREAD_UNCHANGED), mask)


@pytest.mark.parametrize("form", ["png", "geotiff"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_ends_half_way_leaves_nothing_half(
    huge_scene: Path, tmp_path: Path, number: int, form: str
) -> None:
    out, scratch = tmp_path / "out", tmp_path / "scratch"
    scratch.mkdir()
    command = job(huge_scene, out, "--device", "cpu", "--format", form)
    environment = {**os.environ, "TMPDIR": str(scratch)}
    process = subprocess.Popen(
        command, cwd=REPO, preexec_fn=heed_signals, stderr=subprocess.DEVNULL, env=environment
    )
    deadline = time.monotonic() + 120
    while not list(out.glob(".mask-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(60) == (143 if number == signal.SIGTERM else -9)
    assert not [path for path in out.iterdir() if not path.name.startswith(".mask-")]
    if number == signal.SIGTERM:
        assert not list(out.iterdir())
        assert not list(scratch.glob("sea-ice-mask-*"))


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino bf16"])
def test_masks_by_rows_are_those_of_whole_scenes(tmp_path: Path, engine: str) -> None:
    (tmp_path / "in").mkdir()
    write_tiff(tmp_path / "in" / "a.tif", make_scene(5, 1100, 1230, ice=True).image)
    write_tiff(
        tmp_path / "in" / "b.tif", make_scene(6, 700, 520, ice=True).image, tile=(128, 128), rowsperstrip=None
    )
    write_tiff(tmp_path / "in" / "c.tif", random_rgb(20, 30))  # usual: both kinds in one run
    if engine == "openvino bf16":
        pytest.importorskip("openvino")
    masks = []
    for name, patches in (("whole", {}), ("rows", BY_ROWS)):
        arguments = (
            "--input",
            tmp_path / "in",
            "--output",
            tmp_path / name,
            "--device",
            "cpu",
            "--tile",
            "512",
        )
        ran = run_infer(*arguments, engine=engine, patches=patches)
        assert ran.returncode == 0, ran.stderr
        masks.append(read_masks(tmp_path / name))
    assert masks[0].keys() == masks[1].keys()
    for name, mask in masks[0].items():
        np.testing.assert_array_equal(masks[1][name], mask)
    assert masks[0]["a.png"].any()
    contents = [(tmp_path / name / "a.png").read_bytes() for name in ("whole", "rows")]
    assert contents[0] != contents[1]  # another encoder: the rows were made by rows


def test_a_geotiff_and_polygons_by_rows_are_those_of_whole_scenes(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_placed(tmp_path / "in" / "a.tif", make_scene(5, 1100, 1230, ice=True).image, **UTM)
    arguments = ("--input", tmp_path / "in", "--device", "cpu", "--tile", "512", "--format", "geotiff")
    for name, patches in (("whole", {}), ("rows", {**BY_ROWS, **IN_BANDS})):
        ran = run_infer(*arguments, "--vector", "geojson", "--output", tmp_path / name, patches=patches)
        assert ran.returncode == 0, ran.stderr
    names = [sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("whole", "rows")]
    assert names[0] == names[1]
    assert "a.tif" in names[0]
    assert len(names[0]) == 2
    for name in names[0]:
        whole, rows = ((tmp_path / way / name).read_bytes() for way in ("whole", "rows"))
        assert rows == whole or json.loads(rows)["features"] == json.loads(whole)["features"]


def test_a_scene_that_kills_the_process_is_named(huge_scene: Path, tmp_path: Path) -> None:
    crash = {"infer.read.scene_rows": "import os; samples_in = lambda *_: os.kill(os.getpid(), 11)"}
    report = tmp_path / "report.json"
    arguments = ("--input", huge_scene, "--output", tmp_path / "out", "--device", "cpu", "--report", report)
    ran = run_infer(*arguments, patches=crash)
    assert ran.returncode == 6, ran.stderr
    assert "a.tif: reading or predicting it killed the process (SIGSEGV)" in ran.stderr
    mask = cv2.imread(str(tmp_path / "out" / "a.png"), cv2.IMREAD_UNCHANGED)
    assert mask.shape == SHAPE
    assert not mask.any()
