"""The shipped weights, the network and an icy scene."""

from __future__ import annotations

import numpy as np
import pytest

from infer.network.torch_model import model_of
from infer.network.unet_lite3 import UNetLite3
from infer.network.weights_file import Slim, read_slim
from tests.helpers.support import WEIGHTS
from train_offline.scenery.scene import make_scene


@pytest.fixture(scope="module")
def shipped_weights() -> Slim:
    return read_slim(WEIGHTS)


@pytest.fixture(scope="module")
def fast_network(shipped_weights: Slim) -> UNetLite3:
    network = model_of(shipped_weights).network
    assert isinstance(network, UNetLite3)
    return network


@pytest.fixture(scope="module")
def icy_scene() -> np.ndarray:
    return make_scene(4, 512, 768, ice=True).image
