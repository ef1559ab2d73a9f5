"""Masks from pixels: padding, tiles, batches, precision, and memory that runs out."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from infer.network import UNetLite3
from infer.predictor import Predictor, is_out_of_memory
from infer.settings import Settings, UsageError
from infer.weights import Model
from tests.support import REPO, WEIGHTS, random_rgb
from train_offline.synthesize import make_scene

MEAN, STD = (127.5,) * 3, (31.875,) * 3


class _Brightness(torch.nn.Module):
    """Ice where red is above its mean: a network whose right answer is known for every pixel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[2] % 16 == x.shape[3] % 16 == 0
        return torch.cat((-x[:, :1], x[:, :1]), dim=1)


def _predictor(network: torch.nn.Module, **settings: object) -> Predictor:
    return Predictor(Model(network, MEAN, STD, "0" * 64), Settings(device="cpu", **settings), print)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (17, 3), (512, 512), (500, 333), (130, 700)])
@pytest.mark.parametrize("tile", [64, 512])
def test_each_pixel_gets_its_own_class(shape: tuple[int, int], tile: int) -> None:
    image = random_rgb(*shape)
    (mask,) = _predictor(_Brightness(), tile=tile, overlap=32).predict([image])
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, np.where(image[..., 0] > 127, 255, 0))


@pytest.mark.parametrize("batch", [1, 2, 3, None])
def test_scenes_of_one_padded_shape_share_a_batch(batch: int | None) -> None:
    images = [random_rgb(60 + i, 64 - i, seed=i) for i in range(5)]
    masks = _predictor(_Brightness(), batch=batch).predict(images)
    for image, mask in zip(images, masks, strict=True):
        np.testing.assert_array_equal(mask, np.where(image[..., 0] > 127, 255, 0))


@pytest.fixture(scope="module")
def network() -> UNetLite3:
    from infer.weights import load_model

    return load_model(WEIGHTS).network


@pytest.fixture(scope="module")
def icy() -> np.ndarray:
    return make_scene(4, 512, 768, ice=True).image


def test_tiles_agree_with_the_whole_scene(network: UNetLite3, icy: np.ndarray) -> None:
    (whole,) = _predictor(network).predict([icy])
    (tiled,) = _predictor(network, tile=384, overlap=192).predict([icy])
    assert 0 < np.count_nonzero(whole) < whole.size
    assert (whole == tiled).mean() > 0.99


def test_low_precision_agrees_with_full_precision(network: UNetLite3, icy: np.ndarray) -> None:
    (mask,) = _predictor(network).predict([icy])
    x = torch.as_tensor(icy).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        logits = network((x - 127.5) / 31.875)[0]
    assert 0 < np.count_nonzero(mask) < mask.size
    assert (mask == np.where(logits[1] > logits[0], 255, 0)).mean() > 0.99


def test_a_gpu_that_is_not_there_is_a_wrong_call(network: UNetLite3) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(UsageError, match="no usable GPU"):
        Predictor(Model(network, MEAN, STD, ""), Settings(device="cuda"), print)


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_cpu(network: UNetLite3) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    images = [random_rgb(500, 640, seed=i) for i in range(3)]
    on_gpu = Predictor(Model(network, MEAN, STD, ""), Settings(device="cuda"), print).predict(images)
    on_cpu = _predictor(network).predict(images)
    for gpu, cpu in zip(on_gpu, on_cpu, strict=True):
        assert (gpu == cpu).mean() > 0.99


def test_only_out_of_memory_errors_are_taken_for_it() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
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
    predictor = Predictor(Model(network, MEAN, STD, ""), Settings(device="cpu", batch=8), said.append)
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
from infer.predictor import Predictor
from infer.settings import Settings
from infer.weights import load_model
from tests.support import random_rgb

torch.set_num_threads(1)
settings = Settings(device="cpu", tile=1024, overlap=64)
predictor = Predictor(load_model(Path(sys.argv[1])), settings, lambda line: print(line, file=sys.stderr))
predictor.predict([random_rgb(64, 64)])
images = [random_rgb(1024, 1024, seed=i) for i in range(int(sys.argv[3]))]
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
limit = used + int(sys.argv[2]) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
masks = predictor.predict(images)
print(len(masks), {mask.shape for mask in masks}, *(set(mask.flat) <= {0, 255} for mask in masks))
"""


def _starve(megabytes: int, images: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _STARVED, str(WEIGHTS), str(megabytes), str(images)]
    return subprocess.run(command, capture_output=True, text=True, cwd=REPO, timeout=300)


def test_running_out_of_memory_shrinks_the_tile_and_says_so() -> None:
    result = _starve(90, 1)
    assert "infer: out of memory: going on with tiles of 512 pixels" in result.stderr
    assert result.stdout.strip() == "1 {(1024, 1024)} True", result.stderr
    steps = [line for line in result.stderr.splitlines() if line.startswith("infer:")]
    assert len(steps) == len(set(steps))
