"""Masks from pixels: padding, tiles, batches, precision, and memory that runs out."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from infer.errors import NotFiniteError, UsageError
from infer.network.torch_model import Model, model_of
from infer.network.unet_lite3 import UNetLite3
from infer.network.weights_file import Slim, read_slim
from infer.predict.engine import WORTH_BF16, Engine, import_engine, start_engine, start_on_cpu
from infer.predict.hardware import cpu_is_fast_at_bf16
from infer.predict.onnx_engine import GRAPH, OnnxEngine
from infer.predict.openvino_engine import GRAPH as OPENVINO_GRAPH
from infer.predict.openvino_engine import OpenVinoEngine
from infer.predict.predictor import Predictor, is_out_of_memory
from infer.predict.torch_engine import TorchEngine
from infer.settings import Settings
from tests.helpers.support import REPO, WEIGHTS, random_rgb
from train_offline.scenery.scene import make_scene

MEAN, STD = (127.5,) * 3, (31.875,) * 3


class _Brightness(torch.nn.Module):
    """Ice where red is above its mean: a network whose right answer is known for every pixel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[2] % 16 == x.shape[3] % 16 == 0
        return torch.cat((-x[:, :1], x[:, :1]), dim=1)


def _predictor(network: torch.nn.Module, **settings: object) -> Predictor:
    return _with(TorchEngine(Model(network, MEAN, STD, "0" * 64), "cpu"), **settings)


def _with(engine: Engine, **settings: object) -> Predictor:
    return Predictor(engine, Settings(device="cpu", **settings), print, lambda: engine)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (17, 3), (512, 512), (500, 333), (130, 700)])
@pytest.mark.parametrize("tile", [64, 512])
def test_each_pixel_gets_its_own_class(shape: tuple[int, int], tile: int) -> None:
    image = random_rgb(*shape)
    (mask,) = _predictor(_Brightness(), tile=tile, overlap=32).predict([image])
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, np.where(image[..., 0] > 127, 255, 0))


class _Loud(_Brightness):
    """The same answer with logits that fp16 cannot hold."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * 60_000


def test_numbers_that_overflow_are_computed_again_in_fp32(capsys: pytest.CaptureFixture[str]) -> None:
    engine = TorchEngine(Model(_Loud(), MEAN, STD, ""), "cpu", "fp16")
    image = random_rgb(64, 48)
    (mask,) = _with(engine).predict([image])
    np.testing.assert_array_equal(mask, np.where(image[..., 0] > 127, 255, 0))
    assert "trying fp32" in capsys.readouterr().out


class _Broken(_Brightness):
    """No number where the red of the first pixel is 255."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        broken = x[:, :1, :1, :1] == (255 - MEAN[0]) / STD[0]
        return torch.where(broken, torch.nan, super().forward(x))


def test_logits_that_are_no_numbers_are_an_error_in_every_engine(slim: Slim) -> None:
    bad = random_rgb(64, 48)
    bad[0, 0, 0] = 255
    with pytest.raises(NotFiniteError):
        _predictor(_Broken()).predict([random_rgb(64, 48), bad])
    state = {name: np.full_like(array, 1e30) for name, array in slim.state.items()}
    for engine in (
        OnnxEngine(replace(slim, state=state)),
        OpenVinoEngine(replace(slim, state=state)),
        TorchEngine(model_of(replace(slim, state=state)), "cpu"),
    ):
        with pytest.raises(NotFiniteError):
            _with(engine).predict([bad])


@pytest.mark.parametrize("batch", [1, 2, 3, None])
def test_scenes_of_one_padded_shape_share_a_batch(batch: int | None) -> None:
    images = [random_rgb(60 + i, 64 - i, seed=i) for i in range(5)]
    masks = _predictor(_Brightness(), batch=batch).predict(images)
    for image, mask in zip(images, masks, strict=True):
        np.testing.assert_array_equal(mask, np.where(image[..., 0] > 127, 255, 0))


@pytest.fixture(scope="module")
def slim() -> Slim:
    return read_slim(WEIGHTS)


@pytest.fixture(scope="module")
def network(slim: Slim) -> UNetLite3:
    return model_of(slim).network


@pytest.fixture(params=["torch", "onnx", "openvino"])
def engine(request: pytest.FixtureRequest, slim: Slim) -> Engine:
    """The engines that a CPU has for the fast network, in full precision."""
    if request.param == "torch":
        return TorchEngine(model_of(slim), "cpu")
    return OnnxEngine(slim) if request.param == "onnx" else OpenVinoEngine(slim, "fp32")


@pytest.fixture(scope="module")
def icy() -> np.ndarray:
    return make_scene(4, 512, 768, ice=True).image


def reference(network: UNetLite3, image: np.ndarray) -> np.ndarray:
    """The mask in fp32 by torch, uint8 [H, W]; H and W are multiples of 16."""
    x = torch.as_tensor(image).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        logits = network((x - 127.5) / 31.875)[0]
    return np.where(logits[1] > logits[0], 255, 0).astype(np.uint8)


def test_tiles_agree_with_the_whole_scene(engine: Engine, icy: np.ndarray) -> None:
    (whole,) = _with(engine).predict([icy])
    (tiled,) = _with(engine, tile=384, overlap=192).predict([icy])
    assert 0 < np.count_nonzero(whole) < whole.size
    assert (whole == tiled).mean() > 0.99


def test_engines_agree_with_full_precision(engine: Engine, network: UNetLite3, icy: np.ndarray) -> None:
    (mask,) = _with(engine).predict([icy])
    assert 0 < np.count_nonzero(mask) < mask.size
    assert (mask == reference(network, icy)).mean() > 0.9999


def test_the_fast_network_runs_on_a_cpu_without_torch_and_others_with_it(slim: Slim) -> None:
    engine = start_on_cpu(slim, 0, print)
    assert isinstance(engine, OnnxEngine)
    masks = engine.forward([random_rgb(64, 96, 1), random_rgb(64, 96, 2)])
    assert (masks.shape, masks.dtype) == ((2, 64, 96), np.uint8)
    assert set(masks.flat) <= {0, 255}


def test_the_graph_is_the_one_that_its_maker_makes() -> None:
    from train_offline.export.onnx_graph import graph

    assert GRAPH.read_bytes() == graph()


def test_so_is_that_of_openvino(tmp_path: Path) -> None:
    from train_offline.export.openvino_graph import write

    write(tmp_path / "graph.xml")
    for suffix in (".xml", ".bin"):
        made = (tmp_path / "graph.xml").with_suffix(suffix).read_bytes()
        assert made == OPENVINO_GRAPH.with_suffix(suffix).read_bytes()


@pytest.mark.parametrize(("pixels", "fast", "engine"), [
    (WORTH_BF16, True, OpenVinoEngine), (WORTH_BF16 - 1, True, OnnxEngine), (WORTH_BF16, False, OnnxEngine),
])  # fmt: skip
def test_bf16_is_for_large_jobs_on_processors_that_are_fast_at_it(
    slim: Slim, monkeypatch: pytest.MonkeyPatch, pixels: int, fast: bool, engine: type
) -> None:
    monkeypatch.setattr("infer.predict.engine.cpu_is_fast_at_bf16", lambda: fast)
    assert isinstance(start_on_cpu(slim, pixels, print), engine)


@pytest.mark.skipif(not cpu_is_fast_at_bf16(), reason="a processor that is slow at bf16")
def test_bf16_moves_less_than_a_pixel_in_a_thousand(slim: Slim, network: UNetLite3, icy: np.ndarray) -> None:
    engine = OpenVinoEngine(slim)
    (mask,) = _with(engine).predict([icy])
    assert engine.precision == "bf16"
    assert 0 < np.count_nonzero(mask) < mask.size
    assert (mask == reference(network, icy)).mean() > 0.999


def test_without_openvino_a_large_job_is_done_all_the_same(
    slim: Slim, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("infer.predict.engine.cpu_is_fast_at_bf16", lambda: True)
    monkeypatch.setitem(sys.modules, "infer.predict.openvino_engine", None)
    import_engine(slim, "cpu", WORTH_BF16)
    assert isinstance(start_on_cpu(slim, WORTH_BF16, print), OnnxEngine)
    assert "going on with ONNX Runtime" in capsys.readouterr().out


def test_a_gpu_that_is_not_there_is_a_wrong_call(slim: Slim) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(UsageError, match="no usable GPU"):
        start_engine(slim, "cuda", 0, print)


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_cpu(slim: Slim) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    images = [random_rgb(500, 640, seed=i) for i in range(3)]
    on_gpu = _with(start_engine(slim, "cuda", 0, print)).predict(images)
    on_cpu = _with(start_on_cpu(slim, 0, print)).predict(images)
    for gpu, cpu in zip(on_gpu, on_cpu, strict=True):
        assert (gpu == cpu).mean() > 0.99


def test_only_out_of_memory_errors_are_taken_for_it() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(RuntimeError("could not create a primitive"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="expected input"):
        _predictor(torch.nn.Conv2d(5, 2, 1)).predict([random_rgb(32, 32)])


class _Small(_Brightness):
    """As if a device held no more than so many pixels at once."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.pixels = pixels
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x[:, 0].numel() > self.pixels:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.shapes.append((x.shape[0], *x.shape[2:]))
        return super().forward(x)

    def __deepcopy__(self, _: dict) -> _Small:
        return self  # the predictor works on a copy; the test wants to see what it was given


def test_memory_limits_the_pixels_of_a_batch_and_then_the_tile() -> None:
    network, said = _Small(2 * 512 * 512), []
    engine = TorchEngine(Model(network, MEAN, STD, ""), "cpu")
    predictor = Predictor(engine, Settings(device="cpu", batch=8), said.append, lambda: engine)
    large = [random_rgb(512, 512, seed=i) for i in range(8)]
    small = [random_rgb(64, 64, seed=i) for i in range(8)]
    for images in (large, small):
        for image, mask in zip(images, predictor.predict(images), strict=True):
            np.testing.assert_array_equal(mask, np.where(image[..., 0] > 127, 255, 0))
    assert network.shapes == [(2, 512, 512)] * 4 + [(8, 64, 64)]  # small scenes are not held to two at once
    assert said == ["infer: out of memory: going on with half as many tiles at once"] * 2
    network.pixels = 300 * 300
    (mask,) = predictor.predict(large[:1])
    np.testing.assert_array_equal(mask, np.where(large[0][..., 0] > 127, 255, 0))
    assert said[-1] == "infer: out of memory: going on with tiles of 256 pixels"
    network.pixels = 100
    with pytest.raises(torch.OutOfMemoryError):
        predictor.predict(large[:1])


# Memory really runs out here: the process may not map more than a little on top of what it has.
_STARVED = """
import resource, sys
import numpy as np, torch
from pathlib import Path
from infer.predict.onnx_engine import OnnxEngine
from infer.predict.openvino_engine import GRAPH as OPENVINO_GRAPH
from infer.predict.openvino_engine import OpenVinoEngine
from infer.predict.predictor import Predictor
from infer.settings import Settings
from infer.network.weights_file import read_slim
from infer.predict.torch_engine import TorchEngine
from infer.network.torch_model import model_of
from tests.helpers.support import random_rgb

torch.set_num_threads(1)
settings = Settings(device="cpu", tile=1024, overlap=64)
slim = read_slim(Path(sys.argv[1]))
engine = {
    "onnx": lambda: OnnxEngine(slim),
    "openvino": lambda: OpenVinoEngine(slim, "fp32"),
    "torch": lambda: TorchEngine(model_of(slim), "cpu"),
}[sys.argv[4]]()
predictor = Predictor(engine, settings, lambda line: print(line, file=sys.stderr), lambda: engine)
predictor.predict([random_rgb(64, 64)])
images = [random_rgb(1024, 1024, seed=i) for i in range(int(sys.argv[3]))]
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
limit = used + int(sys.argv[2]) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
masks = predictor.predict(images)
print(len(masks), {mask.shape for mask in masks}, *(set(mask.flat) <= {0, 255} for mask in masks))
"""


def _starve(megabytes: int, images: int, engine: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _STARVED, str(WEIGHTS), str(megabytes), str(images), engine]
    return subprocess.run(command, capture_output=True, text=True, cwd=REPO, timeout=300)


@pytest.mark.parametrize(("engine", "megabytes"), [("torch", 130), ("onnx", 150), ("openvino", 250)])
def test_running_out_of_memory_shrinks_the_tile_and_says_so(engine: str, megabytes: int) -> None:
    result = _starve(megabytes, 1, engine)
    assert "infer: out of memory: going on with tiles of 512 pixels" in result.stderr
    assert result.stdout.strip() == "1 {(1024, 1024)} True", result.stderr
    steps = [line for line in result.stderr.splitlines() if line.startswith("infer:")]
    assert len(steps) == len(set(steps))
