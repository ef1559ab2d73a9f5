"""Which engine a job gets, and that all of them agree with full precision."""

from __future__ import annotations

import sys

import numpy as np
import onnxruntime
import pytest
import torch

from infer.errors import UsageError
from infer.network.torch_model import model_of
from infer.network.unet_lite3 import UNetLite3
from infer.network.weights_file import Slim
from infer.predict.choose import WORTH_BF16, GpuWish, import_engine, start_engine, start_on_cpu
from infer.predict.engine import Engine
from infer.predict.gpu import GpuContext
from infer.predict.hardware import cpu_is_fast_at_bf16
from infer.predict.onnx_engine import OnnxEngine
from infer.predict.openvino_engine import OpenVinoEngine
from infer.predict.ort_cuda_engine import CUDA
from infer.predict.torch_engine import TorchEngine
from infer.settings import ENGINES
from tests.helpers.job.networks import predictor_of
from tests.helpers.support import random_rgb


@pytest.fixture(params=["torch", "onnx", "openvino"])
def cpu_engine(request: pytest.FixtureRequest, shipped_weights: Slim) -> Engine:
    """The engines that a CPU has for the fast network, in full precision."""
    if request.param == "torch":
        return TorchEngine(model_of(shipped_weights), "cpu")
    return OnnxEngine(shipped_weights) if request.param == "onnx" else OpenVinoEngine(shipped_weights, "fp32")


def wish(first: tuple[int, int, int], engine: str = "torch") -> GpuWish:
    """For a GPU that is required."""
    return GpuWish(GpuContext(), engine, True, first)


def reference(fast_network: UNetLite3, image: np.ndarray) -> np.ndarray:
    """The mask in fp32 by torch, uint8 [H, W]; H and W are multiples of 16."""
    x = torch.as_tensor(image).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        logits = fast_network((x - 127.5) / 31.875)[0]
    return np.where(logits[1] > logits[0], 255, 0).astype(np.uint8)


def test_tiles_agree_with_the_whole_scene(cpu_engine: Engine, icy_scene: np.ndarray) -> None:
    (whole,) = predictor_of(cpu_engine).predict([icy_scene])
    (tiled,) = predictor_of(cpu_engine, tile=384, overlap=192).predict([icy_scene])
    assert 0 < np.count_nonzero(whole) < whole.size
    assert (whole == tiled).mean() > 0.99


def test_engines_agree_with_full_precision(
    cpu_engine: Engine, fast_network: UNetLite3, icy_scene: np.ndarray
) -> None:
    (mask,) = predictor_of(cpu_engine).predict([icy_scene])
    assert 0 < np.count_nonzero(mask) < mask.size
    assert (mask == reference(fast_network, icy_scene)).mean() > 0.9999


def test_the_fast_network_runs_on_a_cpu_without_torch_and_others_with_it(shipped_weights: Slim) -> None:
    engine = start_on_cpu(shipped_weights, 0, print)
    assert isinstance(engine, OnnxEngine)
    masks = engine.forward([random_rgb(64, 96, 1), random_rgb(64, 96, 2)])
    assert (masks.shape, masks.dtype) == ((2, 64, 96), np.uint8)
    assert set(masks.flat) <= {0, 255}


@pytest.mark.parametrize(("pixels", "fast", "engine"), [
    (WORTH_BF16, True, OpenVinoEngine), (WORTH_BF16 - 1, True, OnnxEngine), (WORTH_BF16, False, OnnxEngine),
])  # fmt: skip
def test_bf16_is_for_large_jobs_on_processors_that_are_fast_at_it(
    shipped_weights: Slim, monkeypatch: pytest.MonkeyPatch, pixels: int, fast: bool, engine: type
) -> None:
    monkeypatch.setattr("infer.predict.choose.cpu_is_fast_at_bf16", lambda: fast)
    assert isinstance(start_on_cpu(shipped_weights, pixels, print), engine)


@pytest.mark.skipif(not cpu_is_fast_at_bf16(), reason="a processor that is slow at bf16")
def test_bf16_moves_less_than_a_pixel_in_a_thousand(
    shipped_weights: Slim, fast_network: UNetLite3, icy_scene: np.ndarray
) -> None:
    engine = OpenVinoEngine(shipped_weights)
    (mask,) = predictor_of(engine).predict([icy_scene])
    assert engine.precision == "bf16"
    assert 0 < np.count_nonzero(mask) < mask.size
    assert (mask == reference(fast_network, icy_scene)).mean() > 0.999


def test_without_openvino_a_large_job_is_done_all_the_same(
    shipped_weights: Slim, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("infer.predict.choose.cpu_is_fast_at_bf16", lambda: True)
    monkeypatch.setitem(sys.modules, "infer.predict.openvino_engine", None)
    import_engine(shipped_weights, None, WORTH_BF16)
    assert isinstance(start_on_cpu(shipped_weights, WORTH_BF16, print), OnnxEngine)
    assert "going on with ONNX Runtime" in capsys.readouterr().out


def test_a_gpu_that_is_not_there_is_a_wrong_call(shipped_weights: Slim) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(UsageError, match="no usable GPU"):
        start_engine(shipped_weights, wish((1, 64, 64)), 0, print)


@pytest.mark.gpu
@pytest.mark.parametrize("engine", ENGINES)
def test_the_gpu_agrees_with_the_cpu(shipped_weights: Slim, engine: str) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    if engine == "ort-cuda" and CUDA not in onnxruntime.get_available_providers():
        pytest.skip("no onnxruntime-gpu")
    images = [random_rgb(500, 640, seed=i) for i in range(3)]
    started = start_engine(shipped_weights, wish((3, 512, 640), engine), 0, print)
    assert (started.name, started.device, started.precision) == (engine, "cuda", "fp16")
    on_gpu = predictor_of(started).predict(images)
    in_fp32 = predictor_of(TorchEngine(model_of(shipped_weights), "cpu")).predict(images)
    for gpu, cpu in zip(on_gpu, in_fp32, strict=True):
        assert (gpu == cpu).mean() > 0.9995
