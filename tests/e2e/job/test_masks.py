"""Every scene gets one mask, of its size, whatever the scene, the tile and the device."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.support import WEIGHTS, random_rgb, read_masks, run_infer, shared, write_tiff
from train_offline.scenery.scene import make_scene


def test_each_tiff_gets_one_mask_and_nothing_else_is_written(three_scenes: Path, tmp_path: Path) -> None:
    before = sorted(os.listdir(three_scenes))
    result = run_infer("--input", three_scenes, "--output", tmp_path / "masks out")
    assert result.returncode == 0, result.stderr
    shapes = {name: mask.shape for name, mask in read_masks(tmp_path / "masks out").items()}
    assert shapes == {"a.b.png": (160, 176), "odd.png": (97, 131), "plain.png": (160, 170)}
    assert sorted(os.listdir(three_scenes)) == before


def test_a_scene_that_cannot_be_read_costs_only_itself(broken_scenes: Path, tmp_path: Path) -> None:
    result = run_infer("--input", broken_scenes, "--output", tmp_path / "o", "--report", tmp_path / "r.json")
    assert result.returncode == 0
    assert result.stdout.startswith("7 scenes 4 degraded")
    masks = read_masks(tmp_path / "o")
    shapes = {"empty": (512, 512), "text": (512, 512), "cut": (200, 120), "noise": (160, 176)}
    for stem, shape in shapes.items():
        assert masks[f"{stem}.png"].shape == shape
        assert not masks[f"{stem}.png"].any()
        (line,) = [line for line in result.stderr.splitlines() if line.startswith(f"infer: {stem}.ti")]
        assert len(line.split(": ")) >= 3
    assert "Traceback" not in result.stderr
    for path in broken_scenes.iterdir():
        if path.stem in shapes:
            path.unlink()
    assert run_infer("--input", broken_scenes, "--output", tmp_path / "alone").returncode == 0
    for name, mask in read_masks(tmp_path / "alone").items():
        np.testing.assert_array_equal(mask, masks[name])


def test_two_names_for_one_mask_are_said_and_the_first_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_tiff(tmp_path / "in" / "x.tif", random_rgb(40, 50))
    write_tiff(tmp_path / "in" / "x.tiff", random_rgb(60, 50))
    for extra in ([], ["--resume"]):
        result = run_infer("--input", tmp_path / "in", "--output", tmp_path / "o", *extra)
        assert result.stdout.startswith("2 scenes 1 degraded")
        assert "infer: x.tiff: its mask x.png belongs to x.tif" in result.stderr
        masks = read_masks(tmp_path / "o")
        assert {name: mask.shape for name, mask in masks.items()} == {"x.png": (40, 50)}


def test_tiles_and_batches_change_the_work_not_the_masks(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for seed in range(3):
        write_tiff(tmp_path / "in" / f"{seed}.tif", make_scene(seed, 500, 530, ice=True).image)
    run_infer("--input", tmp_path / "in", "--output", tmp_path / "whole")
    tiled = run_infer("--input", tmp_path / "in", "--output", tmp_path / "tiled",
                      "--tile", 384, "--overlap", 192, "--batch", 3)  # fmt: skip
    assert tiled.returncode == 0, tiled.stderr
    whole, pieces = read_masks(tmp_path / "whole"), read_masks(tmp_path / "tiled")
    assert whole.keys() == pieces.keys()
    assert any(mask.any() for mask in whole.values())
    # Small tiles show the network less: uncertain pixels change, more of them in one scene than in another.
    equal = [np.mean(mask == pieces[name]) for name, mask in whole.items()]
    assert min(equal) > 0.9
    assert np.mean(equal) > 0.95


def test_real_scenes_have_masks_of_their_own_size(tmp_path: Path) -> None:
    for part in ("data/bohai_dev/image", "data/floes_modis/image"):
        folder = shared(part)
        out = tmp_path / Path(part).parts[1]
        assert run_infer("--input", folder, "--output", out).returncode == 0
        masks = read_masks(out)
        for path in folder.iterdir():
            with Image.open(path) as image:
                assert masks[path.stem + ".png"].shape == (image.height, image.width)
        assert len(masks) == len(list(folder.iterdir()))
    assert read_masks(tmp_path / "bohai_dev")["bohai_term1.png"].any()


def test_nothing_is_written_outside_the_output_folder(three_scenes: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    out = tmp_path / "o"
    result = run_infer("--input", three_scenes, "--output", out, cwd=home, env={"HOME": str(home)})
    assert result.returncode == 0
    assert list(home.rglob("*")) == []
    assert WEIGHTS.is_file()


@pytest.mark.gpu
@pytest.mark.parametrize("part", ["data/bohai_dev/image", "data/floes_modis/image"])
def test_masks_of_the_gpu_agree_with_the_cpus(tmp_path: Path, part: str) -> None:
    if not os.path.exists("/dev/nvidiactl"):
        pytest.skip("no NVIDIA device")
    folder = shared(part)
    for device in ("cuda", "cpu"):
        result = run_infer("--input", folder, "--output", tmp_path / device, "--device", device)
        assert result.returncode == 0, result.stderr
        assert f"({device}, " in result.stdout
    on_gpu, on_cpu = read_masks(tmp_path / "cuda"), read_masks(tmp_path / "cpu")
    assert on_gpu.keys() == on_cpu.keys()
    for name, mask in on_gpu.items():
        assert (mask == on_cpu[name]).mean() >= 0.999
