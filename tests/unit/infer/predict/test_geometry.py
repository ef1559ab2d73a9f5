"""Shapes against engines: each gives the reference's mask of any shape, in tiles or not, at the first try."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from infer.network.torch_model import model_of
from infer.network.weights_file import Slim, read_slim
from infer.predict.engine import Engine
from infer.predict.onnx_engine import OnnxEngine
from infer.predict.openvino_engine import OpenVinoEngine
from infer.predict.predictor import Predictor
from infer.predict.tiles import stacked
from infer.predict.torch_engine import TorchEngine
from infer.settings import Settings
from tests.helpers.support import WEIGHTS
from train_offline.scenery.scene import make_scene

ENGINES: dict[str, tuple[Callable[[Slim], Engine], float]] = {  # and the share of pixels that must agree
    "torch": (lambda slim: TorchEngine(model_of(slim), "cpu"), 1.0),
    "onnxruntime": (OnnxEngine, 0.9998),
    "openvino fp32": (lambda slim: OpenVinoEngine(slim, "fp32"), 0.9998),
    "openvino bf16": (OpenVinoEngine, 0.997),
}
RANDOM = np.random.default_rng(7)
CHOSEN = [(1, 1), (1, 5), (15, 33), (2049, 2), (17, 2500), (500, 333), (1, 100_001), (30_000, 100)]
DRAWN = [(int(h), int(w)) for h, w in RANDOM.integers(1, 600, (6, 2))]


@pytest.fixture(scope="module")
def shipped_weights() -> Slim:
    return read_slim(WEIGHTS)


@pytest.fixture(scope="module")
def endless_ice() -> np.ndarray:
    return make_scene(4, 768, 768, ice=True).image


def cutting(icy: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 [height, width, 3] of an icy scene that goes on for ever."""
    rows, columns = (np.arange(start, start + size) % 768 for start, size in ((211, height), (97, width)))
    return icy[rows][:, columns]


@pytest.fixture(scope="module", params=ENGINES)
def engine_and_reference(
    request: pytest.FixtureRequest, shipped_weights: Slim
) -> tuple[Engine, Engine, float]:
    """An engine, the reference, and their agreement."""
    make, agreement = ENGINES[request.param]
    return make(shipped_weights), TorchEngine(model_of(shipped_weights), "cpu"), agreement


def masks_of(engine: Engine, images: list[np.ndarray], **settings: Any) -> list[np.ndarray]:
    """At the first try: whatever the predictor has to say is a failure."""
    said: list[str] = []
    masks = Predictor(engine, Settings(**settings), said.append, lambda: engine).predict(images)
    assert said == []
    return masks


def assert_agree(pair: tuple[Engine, Engine, float], images: list[np.ndarray], **settings: Any) -> None:
    engine, reference, agreement = pair
    found = masks_of(engine, images, **settings)
    wanted = masks_of(reference, images, **settings)
    assert [mask.shape for mask in found] == [image.shape[:2] for image in images]
    assert {value for mask in found for value in np.unique(mask)} <= {0, 255}
    different = sum(np.count_nonzero(a != b) for a, b in zip(found, wanted, strict=True))
    assert different <= max(1, (1 - agreement) * sum(mask.size for mask in found))


@pytest.mark.parametrize("shape", CHOSEN + DRAWN, ids=str)
def test_a_scene_of_any_shape(
    engine_and_reference: tuple[Engine, Engine, float], endless_ice: np.ndarray, shape: tuple[int, int]
) -> None:
    assert_agree(engine_and_reference, [cutting(endless_ice, *shape)])


@pytest.mark.parametrize("overlap", [0, 32])
@pytest.mark.parametrize("shape", [(410, 130), (130, 410), (301, 299)], ids=str)
def test_a_scene_in_tiles(
    engine_and_reference: tuple[Engine, Engine, float],
    endless_ice: np.ndarray,
    shape: tuple[int, int],
    overlap: int,
) -> None:
    assert_agree(engine_and_reference, [cutting(endless_ice, *shape)], tile=128, overlap=overlap, batch=3)


@pytest.mark.parametrize("shape", [(500, 500), (60, 250), (33, 47)], ids=str)
def test_a_batch_of_equal_scenes(
    engine_and_reference: tuple[Engine, Engine, float], endless_ice: np.ndarray, shape: tuple[int, int]
) -> None:
    assert_agree(
        engine_and_reference, [cutting(np.roll(endless_ice, 50 * i, axis=i % 2), *shape) for i in range(3)]
    )


def test_windows_of_any_order_are_stacked_in_c_order(endless_ice: np.ndarray) -> None:
    window = endless_ice[:64, :48]
    for windows in ([window.transpose(1, 0, 2).copy().transpose(1, 0, 2)], [window[:, ::-1], window]):
        batch = stacked(windows)
        assert batch.flags.c_contiguous
        np.testing.assert_array_equal(batch, np.array(windows))
