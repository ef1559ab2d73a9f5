"""Memory that runs out: smaller batches, then smaller tiles, and the masks stay the same."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from infer.network.torch_model import Model
from infer.predict.out_of_memory import is_out_of_memory
from infer.predict.predictor import Predictor
from infer.predict.torch_engine import TorchEngine
from infer.settings import Settings
from tests.helpers.job.networks import MEAN, STD, Brightness, torch_predictor
from tests.helpers.support import REPO, WEIGHTS, random_rgb


def test_only_out_of_memory_errors_are_taken_for_it() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(RuntimeError("could not create a primitive"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="expected input"):
        torch_predictor(torch.nn.Conv2d(5, 2, 1)).predict([random_rgb(32, 32)])


class Small(Brightness):
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

    def __deepcopy__(self, _: dict[int, object]) -> Small:
        return self  # the predictor works on a copy; the test wants to see what it was given


def test_memory_limits_the_pixels_of_a_batch_and_then_the_tile() -> None:
    network = Small(2 * 512 * 512)
    said: list[str] = []
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
STARVED = """
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
shipped_weights = read_slim(Path(sys.argv[1]))
engine = {
    "onnx": lambda: OnnxEngine(shipped_weights),
    "openvino": lambda: OpenVinoEngine(shipped_weights, "fp32"),
    "torch": lambda: TorchEngine(model_of(shipped_weights), "cpu"),
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


def starve(megabytes: int, images: int, engine: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", STARVED, str(WEIGHTS), str(megabytes), str(images), engine]
    return subprocess.run(command, capture_output=True, text=True, cwd=REPO, timeout=300)


@pytest.mark.parametrize(("engine", "megabytes"), [("torch", 130), ("onnx", 150), ("openvino", 250)])
def test_running_out_of_memory_shrinks_the_tile_and_says_so(engine: str, megabytes: int) -> None:
    result = starve(megabytes, 1, engine)
    assert "infer: out of memory: going on with tiles of 512 pixels" in result.stderr
    assert result.stdout.strip() == "1 {(1024, 1024)} True", result.stderr
    steps = [line for line in result.stderr.splitlines() if line.startswith("infer:")]
    assert len(steps) == len(set(steps))
