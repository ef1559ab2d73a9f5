"""The image's other targets: any network of smp, ONNX Runtime on a GPU, maps and archives."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save_file

from infer.network.weights_file import ANY_SMP, CLASSES, FORMAT
from tests.docker.judge import Judge
from tests.helpers.support import read_masks, run_infer

pytestmark = pytest.mark.docker

START_ON_CUDA = """
from infer.network.weights_file import read_slim
from infer.predict.ort_cuda_engine import OrtCudaEngine
from infer.settings import WEIGHTS
OrtCudaEngine(read_slim(WEIGHTS))
"""


@pytest.fixture
def target(judge: Judge) -> Callable[[str], Judge]:
    """The image of a target, where its variable names one (.ci/run builds them)."""

    def of(name: str) -> Judge:
        variable = f"SEA_ICE_DOCKER_{name.upper().replace('-', '_')}"
        image = os.environ.get(variable)
        if not image:
            pytest.skip(f"{variable} names no image of the target {name}")
        return Judge(image)

    return of


@pytest.fixture
def other_network(tmp_path: Path) -> Path:
    """Weights of an architecture that only smp has."""
    folder = tmp_path / "weights"
    folder.mkdir()
    folder.chmod(0o755)
    torch.manual_seed(3)
    config = {"arch": "FPN", "encoder_name": "resnet18", "classes": 2}
    state = smp.create_model(**config, encoder_weights=None).state_dict()
    scaling = {"mean": [127.5] * 3, "std": [31.875] * 3}
    facts = {
        name: json.dumps(value) for name, value in {"config": config, "classes": CLASSES, **scaling}.items()
    }
    save_file(state, folder / "fpn.safetensors", {"format": FORMAT, "architecture": ANY_SMP, **facts})
    (folder / "fpn.safetensors").chmod(0o644)
    return folder / "fpn.safetensors"


def test_other_networks_need_the_full_image_and_say_so(
    judge: Judge,
    target: Callable[[str], Judge],
    synthesised: Path,
    masks: Path,
    other_network: Path,
    tmp_path: Path,
) -> None:
    given = ["--volume", f"{other_network.parent}:/weights:ro"]
    result = judge.run("--weights", "/weights/fpn.safetensors", scenes=synthesised, masks=masks, flags=given)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "--target full" in line
    full = target("full")
    result = full.run("--weights", "/weights/fpn.safetensors", scenes=synthesised, masks=masks, flags=given)
    assert result.returncode == 0, result.stderr
    host = ["--input", synthesised, "--output", tmp_path / "host", "--weights", other_network]
    assert run_infer(*host, "--device", "cpu").returncode == 0
    for path in (tmp_path / "host").iterdir():
        ours, theirs = (cv2.imread(str(folder / path.name), 0) for folder in (masks, tmp_path / "host"))
        assert np.mean(ours == theirs) > 0.9999


def test_onnxruntime_for_a_gpu_makes_the_same_masks_on_a_cpu_and_loads_cuda(
    target: Callable[[str], Judge], drawn_scenes: Path, plain_masks: dict[str, np.ndarray], masks: Path
) -> None:
    with_cuda = target("ort-cuda")
    result = with_cuda.run("--engine", "ort-cuda", scenes=drawn_scenes, masks=masks)
    assert result.returncode == 0, result.stderr
    made = read_masks(masks)
    assert made.keys() == plain_masks.keys()
    assert all(np.array_equal(made[name], mask) for name, mask in plain_masks.items())
    started = with_cuda.run("-c", START_ON_CUDA, python=True)
    assert "CUDA failure 35" in started.stderr, started.stderr  # no driver; its own libraries are all there


def test_maps_and_archives_need_their_image_and_say_so(
    judge: Judge, target: Callable[[str], Judge], drawn_scenes: Path, masks: Path
) -> None:
    for arguments in (
        ["--format", "geotiff"],
        ["--vector", "gpkg"],
        ["archive", "run", "/input", "--output", "/output"],
    ):
        result = judge.run(*arguments, scenes=drawn_scenes, masks=masks)
        assert result.returncode == 2, result.stderr
        (line,) = result.stderr.splitlines()
        assert 'the image\'s target "archive"' in line
    of_target = target("archive")
    result = of_target.run("--format", "geotiff", "--vector", "geojson", scenes=drawn_scenes, masks=masks)
    assert result.returncode == 0, result.stderr
    assert "3 scenes have no coordinates" in result.stderr
    assert {path.name for path in masks.iterdir()} == {"a.tif", "b.tif", "c.tif", "ice.geojson"}
    flat = {path.name: path.read_bytes() for path in masks.glob("*.tif")}
    result = of_target.run(
        "archive", "run", "/input", "--output", "/output/run", scenes=drawn_scenes, masks=masks
    )
    assert result.returncode == 0, result.stderr
    made = {
        path.name: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (masks / "run").glob("masks/*/*")
    }
    assert made.keys() == flat.keys()
    status = of_target.run("archive", "status", "--output", "/output/run", scenes=drawn_scenes, masks=masks)
    assert "3 of 3 (100.0%): 3 ok" in status.stdout
