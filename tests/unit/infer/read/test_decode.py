"""DALI and the fallback give the same pixels, and a broken file costs no other scene anything."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from infer.plan.scenes import Scene, batches, find_scenes
from infer.read.dali import make_dali_report_damage
from infer.read.decoder import Decoder, Outcome
from infer.read.reader import Reader
from tests.helpers.support import random_rgb, shared, write_tiff


@pytest.fixture
def only_dali(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the scenes that went to the fallback, which refuses them: whatever is read, DALI has read."""
    names: list[str] = []

    def refuse(_: Decoder, scene: Scene) -> Outcome:
        names.append(scene.name)
        return Outcome(error="not by DALI")

    monkeypatch.setattr(Decoder, "_read", refuse)
    monkeypatch.setattr("infer.read.decoder.DALI_ON_CPU", True)
    return names


def _decode(folder: Path, most: int = 8) -> dict[str, tuple[np.ndarray | None, str | None]]:
    scenes = find_scenes(folder)
    make_dali_report_damage()  # as the reader does
    decoder = Decoder(gpu=False, most_scenes=most, say=print, redone=print)
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
def test_dali_reads_the_pixels_that_were_written(tmp_path: Path, options: dict, only_dali: list[str]) -> None:
    image = random_rgb(75, 110)
    write_tiff(tmp_path / "x.tif", image, **options)
    pixels, error = _decode(tmp_path)["x.tif"]
    assert error is None
    assert only_dali == []
    np.testing.assert_array_equal(pixels, image)


def test_dali_reads_real_scenes_as_tifffile_does(only_dali: list[str]) -> None:
    folder = shared("data/bohai_dev/image")
    for name, (pixels, error) in _decode(folder).items():
        assert error is None
        np.testing.assert_array_equal(pixels, tifffile.imread(folder / name)[..., :3])
    assert only_dali == []


@pytest.mark.parametrize("layout", ["planar", "grey", "rgba", "planar rgba"])
def test_other_layouts_become_rgb(tmp_path: Path, layout: str) -> None:
    rgba = np.dstack([random_rgb(60, 44), np.full((60, 44), 200, np.uint8)])
    image = {"grey": rgba[..., 0], "planar": rgba[..., :3]}.get(layout, rgba)
    options = {}
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
    assert "DALI cannot decode on the CPU" in capsys.readouterr().out


def test_a_cpu_does_without_dali(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "nvidia.dali", None)
    scenes = _twenty_scenes(tmp_path / "s", 9)
    pixels = _read_all(scenes)
    assert pixels.pop("09.tif") is None
    for name, read in pixels.items():
        np.testing.assert_array_equal(read, random_rgb(64, 64, seed=int(name[:2]) + 1))
    assert "DALI" not in capsys.readouterr().out


def _twenty_scenes(folder: Path, broken: int | None) -> list[Scene]:
    folder.mkdir()
    for i in range(20):
        path = write_tiff(folder / f"{i:02}.tif", random_rgb(64, 64, seed=i + 1))
        if i == broken:  # its header is whole, so that DALI gets it
            content = bytearray(path.read_bytes())
            content[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
            path.write_bytes(content)
    return find_scenes(folder)


def _read_all(scenes: list[Scene]) -> dict[str, np.ndarray | None]:
    with Reader(batches(scenes, 512, 8, gpu=False), gpu=False, say=print, redone=print) as reader:
        return {
            scene.name: outcome.pixels
            for batch in reader
            for scene, outcome in zip(batch.scenes, batch.outcomes, strict=True)
        }


@pytest.mark.parametrize("broken", [0, 9, 19])
def test_one_broken_file_changes_no_pixel_of_the_other_nineteen(
    tmp_path: Path, broken: int, only_dali: list[str]
) -> None:
    whole = _read_all(_twenty_scenes(tmp_path / "whole", None))
    mixed = _read_all(_twenty_scenes(tmp_path / "mixed", broken))
    assert len(mixed) == 20
    assert mixed.pop(f"{broken:02}.tif") is None
    assert only_dali == [f"{broken:02}.tif"]
    for name, pixels in mixed.items():
        np.testing.assert_array_equal(pixels, whole[name])
        np.testing.assert_array_equal(pixels, random_rgb(64, 64, seed=int(name[:2]) + 1))


def test_a_reader_can_be_left_half_way(tmp_path: Path) -> None:
    scenes = _twenty_scenes(tmp_path / "s", None)
    with Reader(batches(scenes, 512, 1, gpu=False), gpu=False, say=print, redone=print) as reader:
        assert next(iter(reader)).scenes == [scenes[0]]
    assert not reader._thread.is_alive()


@pytest.mark.gpu
def test_the_gpu_decodes_the_same_pixels(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    scenes = _twenty_scenes(tmp_path / "s", 9)
    on_cpu = _read_all(scenes)
    with Reader(batches(scenes, 512, 8, gpu=True), gpu=True, say=print, redone=print) as reader:
        for batch in reader:
            for scene, pixels in zip(batch.scenes, [o.pixels for o in batch.outcomes], strict=True):
                if scene.name == "09.tif":
                    assert pixels is None
                    continue
                assert pixels.is_cuda
                np.testing.assert_array_equal(pixels.cpu().numpy(), on_cpu[scene.name])
