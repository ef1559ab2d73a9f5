"""A threshold moves the border between the classes alike in every engine, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch

from infer.errors import UsageError
from infer.network.torch_model import model_of
from infer.network.weights_file import ANY_SMP, Slim, with_threshold
from infer.predict.torch_engine import TorchEngine
from tests.unit.infer.predict.test_geometry import ENGINES
from train_offline.scenery.scene import make_scene

SCENE = make_scene(2, 384, 384, ice=True).image


def probability(slim: Slim) -> np.ndarray:
    """Of ice in SCENE, by torch: float64 [384, 384]."""
    model = model_of(slim)
    pixels = torch.from_numpy(SCENE).permute(2, 0, 1)[None].float()
    norm = (torch.tensor(values)[:, None, None] for values in (model.mean, model.std))
    with torch.inference_mode():
        logits = model.network((pixels - next(norm)) / next(norm)).double()
    return np.asarray(logits.softmax(1)[0, 1])


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("threshold", [0.02, 0.3, 0.5, 0.9])
def test_every_engine_obeys_the_threshold(shipped_weights: Slim, name: str, threshold: float) -> None:
    make, agreement = ENGINES[name]
    mask = make(with_threshold(shipped_weights, threshold)).forward([SCENE])[0]
    expected = np.where(probability(shipped_weights) > threshold, 255, 0)
    assert 0 < np.count_nonzero(expected) < expected.size
    assert np.mean(mask == expected) >= agreement - 0.005


def test_the_default_is_the_weights_as_they_are(shipped_weights: Slim) -> None:
    assert with_threshold(shipped_weights, 0.5) is shipped_weights


def test_other_networks_have_it_too_where_their_last_layer_has_a_bias(shipped_weights: Slim) -> None:
    torch.manual_seed(1)
    config = {"arch": "FPN", "encoder_name": "resnet18", "classes": 2}
    inner = smp.create_model(**config, encoder_weights=None).eval()
    state = {name: tensor.numpy() for name, tensor in inner.state_dict().items()}
    slim = replace(shipped_weights, architecture=ANY_SMP, config=config, state=state)
    share = [
        np.mean(TorchEngine(model_of(with_threshold(slim, p)), "cpu").forward([SCENE]) > 0)
        for p in (1e-6, 0.5, 1 - 1e-6)
    ]
    assert share[0] == 1
    assert share[2] == 0
    lacking = {name: array for name, array in state.items() if name != "segmentation_head.0.bias"}
    with pytest.raises(UsageError, match=r"has no segmentation_head\.0\.bias"):
        with_threshold(replace(slim, state=lacking), 0.4)
