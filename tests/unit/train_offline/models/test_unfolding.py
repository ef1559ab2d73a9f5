"""Training goes on from slim weights: the unfolded network computes what the file does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from infer.errors import UsageError
from infer.network.light_lite3 import LightLite3
from infer.network.torch_model import load_model
from infer.network.unet_lite3 import UNetLite3
from infer.network.weights_file import ANY_SMP, CLASSES, FORMAT
from tests.helpers.support import WEIGHTS
from train_offline.models.build import NetworkSettings, build
from train_offline.models.folding import slim_state_dict
from train_offline.models.preprocessing import normalise
from train_offline.models.unfolding import start_from_slim, unfold
from train_offline.scenery.scene import make_scene


def _crops(seed: int, side: int = 192) -> torch.Tensor:
    scenes = [make_scene(seed + i, side, side, ice=i % 2 == 0).image for i in range(4)]
    return normalise(torch.stack([torch.as_tensor(image) for image in scenes]))


def _fast(arch: str) -> torch.nn.Module:
    if arch == "unet":
        return load_model(WEIGHTS).network
    torch.manual_seed(2)
    return LightLite3().eval()


@pytest.fixture(scope="module", params=["unet", "light-residual"])
def pair(request: pytest.FixtureRequest) -> tuple[torch.nn.Module, torch.nn.Module]:
    fast = _fast(request.param)
    network = build(NetworkSettings(arch=request.param), deep_supervision=True)
    unfold(network, fast.state_dict(), _crops(10))
    return network, fast


@torch.inference_mode()
def test_evaluation_is_the_slim_file_s(pair: tuple[torch.nn.Module, torch.nn.Module]) -> None:
    network, fast = pair
    images = _crops(70, 256)  # not those of the statistics
    expected, got = fast(images), network.eval()(images)
    assert expected.std() > 0.01
    assert (expected - got).abs().max() < 1e-3
    same = (expected[:, 1] > expected[:, 0]) == (got[:, 1] > got[:, 0])
    assert same.float().mean() >= 0.9999


def test_folding_gives_the_slim_file_back(pair: tuple[torch.nn.Module, torch.nn.Module]) -> None:
    network, fast = pair
    for name, tensor in slim_state_dict(network).items():
        torch.testing.assert_close(tensor, fast.state_dict()[name], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_training_mode_starts_where_evaluation_is(pair: tuple[torch.nn.Module, torch.nn.Module]) -> None:
    """On the very crops of the statistics the batch's own statistics are those of the running ones."""
    network, fast = pair
    expected = fast(_crops(10))
    logits, _ = network.train()(_crops(10))
    torch.testing.assert_close(logits, expected, rtol=0, atol=2e-3)
    assert expected.std() > 0.01


def test_a_weights_file_by_its_path(tmp_path: Path) -> None:
    network = build(NetworkSettings())
    start_from_slim(network, WEIGHTS, _crops(10, 64))
    images = _crops(40, 128)
    with torch.inference_mode():
        torch.testing.assert_close(
            network.eval()(images), load_model(WEIGHTS).network(images), rtol=0, atol=1e-3
        )
    with pytest.raises(UsageError, match="hold another network than --arch and --encoder say"):
        start_from_slim(build(NetworkSettings(arch="fpn", encoder_name="resnet18")), WEIGHTS, images)
    with pytest.raises(UsageError, match="No such file"):
        start_from_slim(network, tmp_path / "none.safetensors", images)


def test_a_file_of_another_form_changes_nothing() -> None:
    network = build(NetworkSettings(arch="light-residual"))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(ValueError, match="do not fit"):
        unfold(network, UNetLite3().state_dict(), _crops(10, 64))
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_weights_of_any_smp_network_start_one_with_heads(tmp_path: Path) -> None:
    settings = NetworkSettings(encoder_name="resnet18")
    plain, path = build(settings), tmp_path / "w.safetensors"
    facts = {"format": FORMAT, "architecture": ANY_SMP, "classes": json.dumps(CLASSES)}
    facts |= {"mean": json.dumps([127.5] * 3), "std": json.dumps([31.875] * 3)}
    save_file(plain.state_dict(), path, {**facts, "config": json.dumps(settings.arguments())})
    supervised = build(settings, deep_supervision=True)
    start_from_slim(supervised, path, torch.zeros(2, 3, 32, 32))
    taken = supervised.state_dict()
    assert all(torch.equal(tensor, taken[name]) for name, tensor in plain.state_dict().items())
