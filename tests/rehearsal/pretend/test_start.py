"""What is loaded and set before a GPU is touched, and what never is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.support import run_infer
from tests.rehearsal.pretend.conftest import SMALL_TILES, Rehearsed
from tests.rehearsal.pretend.matrix import DALI, ENGINE, GPU, Row

# Engines of CPUs and what only training needs: each costs a start tenths of a second.
UNWANTED = {
    "onnxruntime", "openvino", "segmentation_models_pytorch", "timm", "torchvision", "scipy", "matplotlib",
    "lightning_fabric", "PIL", "torch._dynamo", "torch._inductor", "torch.onnx",
}  # fmt: skip
TELL_OF_MODULES = """
def run(*arguments, usual=run):
    import json, os, sys
    code = usual(*arguments)
    open(os.environ["TOLD"], "w").write(json.dumps(sorted(sys.modules)))
    return code
"""
TELL_OF_SHAPES = """
def tell_of_shapes(self, pixels, usual=TorchEngine._as_planned):
    import json, os
    filled = usual(self, pixels)
    with open(os.environ["TOLD"], "a") as file:
        file.write(json.dumps([*filled.shape[:3], len(pixels)]) + "\\n")
    return filled
TorchEngine._as_planned = tell_of_shapes
"""
TELL_OF_PASSES = """
def begin(self, windows, usual=TorchEngine.begin):
    import json, os

    def tell(number):
        with open(os.environ["TOLD"], "a") as file:
            file.write(json.dumps(number) + "\\n")

    def end(wait=usual(self, windows)):
        tell(-1)
        return wait()

    tell(1)
    return end
TorchEngine.begin = begin
"""
TELL_OF_PIPELINES = """
def build(*arguments, usual=build):
    import os
    with open(os.environ["TOLD"], "a") as file:
        file.write("1\\n")
    return usual(*arguments)
"""
TELL_OF_ENVIRONMENT = """
def open_context():
    import json, os, sys
    told = {**os.environ, "modules": " ".join(sorted(sys.modules))}
    open(os.environ["TOLD"], "w").write(json.dumps(told))
"""


def tell(
    patches: Mapping[str, str], rehearsed: Rehearsed, tmp_path: Path, engine: str = "torch", **variables: str
) -> Any:
    """What the job wrote down, line by line."""
    line = ["--input", rehearsed.folder, "--output", tmp_path / "out", "--device", "cuda", *SMALL_TILES]
    line += ["--engine", engine]
    result = run_infer(*line, patches=patches, env={"TOLD": str(tmp_path / "told"), **variables})
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]


def test_a_gpu_needs_no_engine_of_a_cpu(rehearsed: Rehearsed, tmp_path: Path) -> None:
    (loaded,) = tell(Row("", "infer.job", TELL_OF_MODULES).patches, rehearsed, tmp_path)
    assert {"torch", "nvidia.dali"} <= set(loaded)
    assert UNWANTED & set(loaded) == set()


def test_onnxruntime_needs_neither_torch_nor_dali(rehearsed: Rehearsed, tmp_path: Path) -> None:
    (loaded,) = tell(Row("", "infer.job", TELL_OF_MODULES).patches, rehearsed, tmp_path, "ort-cuda")
    assert "onnxruntime" in loaded
    assert {"torch", "nvidia.dali", "openvino", *UNWANTED} & set(loaded) == {"onnxruntime"}


@pytest.mark.parametrize("visible", ["", "1"])
def test_the_environment_is_set_before_the_first_call_of_cuda(
    rehearsed: Rehearsed, tmp_path: Path, visible: str
) -> None:
    variables = {"CUDA_VISIBLE_DEVICES": visible} if visible else {}
    patches = Row("", GPU, TELL_OF_ENVIRONMENT).patches
    (told,) = tell(patches, rehearsed, tmp_path, **variables)
    assert told["CUDA_VISIBLE_DEVICES"] == (visible or "0")
    assert told["CUDA_MODULE_LOADING"] == "LAZY"
    assert "sea-ice-" in told["NVIMGCODEC_EXTENSIONS_PATH"]
    assert "torch" not in told["modules"].split()  # or the context would wait for its import


def test_a_gpu_sees_the_first_batch_while_it_starts_and_no_smaller_one_after_a_larger(
    rehearsed: Rehearsed, tmp_path: Path
) -> None:
    warm_up, first, *others = tell(Row("", ENGINE, TELL_OF_SHAPES).patches, rehearsed, tmp_path)
    assert warm_up[:3] == first[:3]
    sizes: dict[tuple[int, int], list[int]] = {}
    for batch, height, width, _ in (warm_up, first, *others):
        sizes.setdefault((height, width), []).append(batch)
    assert len(sizes) >= 3
    assert all(of_a_shape == sorted(of_a_shape) for of_a_shape in sizes.values())
    assert any(tiles < batch for batch, _, _, tiles in others)


def test_a_gpu_has_the_next_batch_before_the_last_one_is_looked_at(
    rehearsed: Rehearsed, tmp_path: Path
) -> None:
    passes = tell(Row("", ENGINE, TELL_OF_PASSES).patches, rehearsed, tmp_path)
    assert passes[:5] == [1, -1, 1, 1, -1]  # the warm-up by itself
    assert max(accumulate(passes)) == 2
    assert sum(passes) == 0


def test_a_broken_scene_costs_one_more_pipeline(rehearsed: Rehearsed, tmp_path: Path) -> None:
    assert len(tell(Row("", DALI, TELL_OF_PIPELINES).patches, rehearsed, tmp_path)) <= 2
