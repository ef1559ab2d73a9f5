"""Batches read ahead: a broken file costs no other scene anything, on a CPU and on a GPU."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from infer.plan.batches import batches
from infer.predict.gpu import GpuContext
from infer.read.reader import Reader
from tests.helpers.job.numbered import read_all, twenty_scenes
from tests.helpers.support import random_rgb


def test_a_cpu_does_without_dali(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "nvidia.dali", None)
    scenes = twenty_scenes(tmp_path / "s", 9)
    pixels = read_all(scenes)
    assert pixels.pop("09.tif") is None
    for name, read in pixels.items():
        np.testing.assert_array_equal(read, random_rgb(64, 64, seed=int(name[:2]) + 1))
    assert "DALI" not in capsys.readouterr().out


@pytest.mark.parametrize("broken", [0, 9, 19])
def test_one_broken_file_changes_no_pixel_of_the_other_nineteen(
    tmp_path: Path, broken: int, left_by_dali: list[str]
) -> None:
    whole = read_all(twenty_scenes(tmp_path / "whole", None))
    assert left_by_dali == []
    scenes = twenty_scenes(tmp_path / "mixed", broken)
    mixed = read_all(scenes)
    assert len(mixed) == 20
    assert mixed.pop(f"{broken:02}.tif") is None
    plan = [[scene.name for scene in batch] for batch in batches(scenes, 512, 8, gpu=False)]
    (batch,) = (names for names in plan if f"{broken:02}.tif" in names)
    assert sorted(left_by_dali) == sorted(batch)  # those after it are DALI's again
    for name, pixels in mixed.items():
        np.testing.assert_array_equal(pixels, whole[name])
        np.testing.assert_array_equal(pixels, random_rgb(64, 64, seed=int(name[:2]) + 1))


def test_a_reader_can_be_left_half_way(tmp_path: Path) -> None:
    scenes = twenty_scenes(tmp_path / "s", None)
    with Reader(batches(scenes, 512, 1, gpu=False), gpu=None, say=print, redone=print) as reader:
        assert next(iter(reader)).scenes == [scenes[0]]
    assert not reader._thread.is_alive()


@pytest.mark.gpu
def test_the_gpu_decodes_the_same_pixels(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    scenes = twenty_scenes(tmp_path / "s", 9)
    on_cpu = read_all(scenes)
    with Reader(batches(scenes, 512, 8, gpu=True), gpu=GpuContext(), say=print, redone=print) as reader:
        for batch in reader:
            for scene, pixels in zip(batch.scenes, [one.pixels for one in batch.decoded], strict=True):
                if scene.name == "09.tif":
                    assert pixels is None
                    continue
                assert isinstance(pixels, torch.Tensor)
                assert pixels.is_cuda
                np.testing.assert_array_equal(pixels.cpu().numpy(), on_cpu[scene.name])
