"""Every engine by name, as a whole run, on sizes that are no multiples of anything."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from infer.plan.batches import MAX_SHAPES
from tests.helpers.support import ENGINES, read_masks, run_infer, write_tiff
from train_offline.scenery.scene import make_scene

# Height and width: higher or wider than a tile of 512, batches of equal ones, slivers, single pixels.
ODD = [(17, 1300), (1300, 17), (1, 1), (1, 600), (333, 77)]
SIZES = [(1100, 410)] * 3 + [(500, 500)] * 3 + ODD + [(512, 512)]
AGREEMENT = {"torch": 1.0, "onnxruntime": 0.9999, "openvino fp32": 0.9999, "openvino bf16": 0.998}


@pytest.fixture(scope="module")
def odd_sizes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of cuttings of an icy scene, more than two megapixels in all."""
    folder = tmp_path_factory.mktemp("odd")
    image = np.tile(make_scene(4, 768, 768, ice=True).image, (2, 2, 1))
    for number, (height, width) in enumerate(SIZES):
        write_tiff(folder / f"{number:02}.tif", image[number : number + height, 7 : 7 + width])
    assert sum(height * width for height, width in SIZES) > 2e6
    return folder


def masks_by(engine: str, scenes: Path, work: Path) -> dict[str, np.ndarray]:
    report = work / f"{engine}.json"
    arguments = ["--input", scenes, "--output", work / engine, "--report", report, "--tile", 512]
    result = run_infer(*arguments, engine=engine)
    assert (result.returncode, result.stderr) == (0, "")
    told = json.loads(report.read_text())
    assert told["redone"] == []
    assert {scene["status"] for scene in told["scenes"]} == {"ok"}
    return read_masks(work / engine)


@pytest.fixture(scope="module")
def masks_by_torch(odd_sizes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    return masks_by("torch", odd_sizes, tmp_path_factory.mktemp("reference"))


@pytest.mark.parametrize("engine", ENGINES)
def test_odd_sizes_get_real_masks_at_the_first_try(
    engine: str, odd_sizes: Path, masks_by_torch: dict[str, np.ndarray], tmp_path: Path
) -> None:
    masks = masks_by(engine, odd_sizes, tmp_path)
    assert [mask.shape for mask in masks.values()] == SIZES
    same = sum(np.count_nonzero(masks[name] == masks_by_torch[name]) for name in masks_by_torch)
    assert same >= AGREEMENT[engine] * sum(mask.size for mask in masks_by_torch.values())
    assert 0.05 < np.mean(masks["00.png"] == 255) < 0.95


def test_many_shapes_become_few_and_a_mask_does_not_depend_on_what_is_left(tmp_path: Path) -> None:
    image, folder, out = make_scene(4, 768, 768, ice=True).image, tmp_path / "in", tmp_path / "o"
    folder.mkdir()
    shapes = [(16 * a - 3, 16 * b - 5) for a in range(2, 12) for b in range(2, 10)]
    for number, (height, width) in enumerate(shapes):
        write_tiff(folder / f"{number:02}.tif", image[number : number + height, 200 : 200 + width])
    assert len(shapes) > MAX_SHAPES
    arguments = ["--input", folder, "--output", out]
    assert run_infer(*arguments, engine="onnxruntime").returncode == 0
    exact = read_masks(out)
    assert run_infer(*arguments, engine="openvino fp32").returncode == 0
    coarse = read_masks(out)
    same = sum(np.count_nonzero(coarse[name] == exact[name]) for name in exact)
    assert 0.99 < same / sum(mask.size for mask in exact.values()) < 1, "padded otherwise, at some edges"
    for number in range(0, len(shapes), 2):
        (out / f"{number:02}.png").unlink()
    assert run_infer(*arguments, "--resume", engine="openvino fp32").returncode == 0
    again = read_masks(out)
    assert all(np.array_equal(again[name], coarse[name]) for name in coarse)
