"""DALI and libtiff give the same pixels, and a file that is cut short is refused."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from infer.plan.scenes import find_scenes, readable
from infer.process.environment import prepare_environment
from infer.read.decoder import Decoder
from tests.helpers.support import random_rgb, shared, write_tiff


def _decode(folder: Path, most: int = 8) -> dict[str, tuple[Any, str | None]]:
    scenes = readable(find_scenes(folder))
    prepare_environment()  # as the reader does
    decoder = Decoder(gpu=False, max_scenes=most, say=print, redone=print)
    outcomes = []
    for i in range(0, len(scenes), most):
        outcomes += decoder.decode(scenes[i : i + most])
    return {
        scene.name: (outcome.pixels, outcome.error) for scene, outcome in zip(scenes, outcomes, strict=True)
    }


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byteorder": ">"},
        {"compression": "deflate"},
        {"compression": None, "predictor": False},
        {"tile": (32, 48), "rowsperstrip": None},
        {"bigtiff": True},
    ],
    ids=str,
)
def test_dali_reads_the_pixels_that_were_written(
    tmp_path: Path, options: dict[str, Any], left_by_dali: list[str]
) -> None:
    image = random_rgb(75, 110)
    write_tiff(tmp_path / "x.tif", image, **options)
    pixels, error = _decode(tmp_path)["x.tif"]
    assert error is None
    assert left_by_dali == []
    np.testing.assert_array_equal(pixels, image)


def test_dali_reads_real_scenes_as_tifffile_does(left_by_dali: list[str]) -> None:
    folder = shared("data/bohai_dev/image")
    for name, (pixels, error) in _decode(folder).items():
        assert error is None
        np.testing.assert_array_equal(pixels, tifffile.imread(folder / name)[..., :3])
    assert left_by_dali == []


@pytest.mark.parametrize("layout", ["planar", "grey", "rgba", "planar rgba"])
def test_other_layouts_become_rgb(tmp_path: Path, layout: str) -> None:
    rgba = np.dstack([random_rgb(60, 44), np.full((60, 44), 200, np.uint8)])
    image = {"grey": rgba[..., 0], "planar": rgba[..., :3]}.get(layout, rgba)
    options: dict[str, Any] = {}
    if layout.startswith("planar"):
        image, options = np.moveaxis(image, -1, 0), {"planarconfig": "separate", "photometric": "rgb"}
    if layout.endswith("rgba"):
        options |= {"photometric": "rgb", "extrasamples": ["unassalpha"]}
    write_tiff(tmp_path / "x.tif", image, **options)
    pixels, error = _decode(tmp_path)["x.tif"]
    assert error is None
    expected = np.dstack([rgba[..., 0]] * 3) if layout == "grey" else rgba[..., :3]
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.95])
@pytest.mark.parametrize("compression", ["lzw", "deflate", None])
def test_a_truncated_file_is_refused_not_half_read(
    tmp_path: Path, keep: float, compression: str | None
) -> None:
    options = {"compression": compression, "predictor": compression is not None}
    path = write_tiff(tmp_path / "x.tif", random_rgb(256, 256), **options)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    pixels, error = _decode(tmp_path)["x.tif"]
    assert pixels is None
    assert error


def test_a_file_far_larger_than_its_pixels_is_not_read_whole(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "x.tif", random_rgb(48, 40))
    os.truncate(path, 2**40)  # sparse: a terabyte that takes no disk and would take all memory
    pixels, error = _decode(tmp_path)["x.tif"]
    assert error is None
    np.testing.assert_array_equal(pixels, random_rgb(48, 40))


def test_without_dali_libtiff_reads_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tiff(tmp_path / "x.tif", random_rgb(48, 40))
    monkeypatch.setattr("infer.read.decoder.DALI_ON_CPU", True)
    monkeypatch.setitem(sys.modules, "nvidia.dali", None)  # what Python does with a package that is broken
    pixels, error = _decode(tmp_path)["x.tif"]
    assert error is None
    np.testing.assert_array_equal(pixels, random_rgb(48, 40))
    assert "DALI cannot be used" in capsys.readouterr().out
