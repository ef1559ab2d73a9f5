"""The fast network computes what smp's computes with the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import tifffile
import torch
from torch import nn

from infer.network import UNetLite3
from infer.tiles import crop, grid
from infer.weights import load_model
from tests.support import WEIGHTS, shared
from train_offline.fold import FAST_CONFIG, layers, slim_state_dict

SCENES = (
    "data/bohai_dev/image/bohai_term1.tif",
    "data/floes_modis/image/baffin_bay-200km-20060704.aqua.tiff",
    "data/unlabeled/cloudy.truecolor.tiff",
)


def _smp_unet() -> nn.Module:
    return smp.create_model(**FAST_CONFIG, encoder_weights=None).eval()


@torch.no_grad()
def _with_random_statistics(model: nn.Module) -> nn.Module:
    """Every BatchNorm gets a scale, a shift and statistics of real size, so that folding has work to do."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 0.5
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias, 0.0, 0.3)
    model.train()
    for _ in range(4):
        model(torch.randn(2, 3, 96, 96) * 1.5)
    return model.eval()


@torch.no_grad()
def _with_shipped_weights(model: nn.Module) -> nn.Module:
    """The shipped, folded weights in smp's model: each BatchNorm only adds its bias."""
    state = load_model(WEIGHTS).network.state_dict()
    for name, (conv, norm) in layers(model).items():
        conv.weight.copy_(state[f"{name}.weight"])
        if norm is None:
            conv.bias.copy_(state[f"{name}.bias"])
            continue
        norm.weight.copy_(torch.sqrt(norm.running_var + norm.eps))
        norm.bias.copy_(state[f"{name}.bias"] + norm.running_mean)
    return model


@pytest.fixture(scope="module", params=["random", "shipped"])
def pair(request: pytest.FixtureRequest) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(3)
    reference = _smp_unet()
    prepare = _with_random_statistics if request.param == "random" else _with_shipped_weights
    prepare(reference)
    fast = UNetLite3().eval()
    fast.load_state_dict(slim_state_dict(reference))
    return reference, fast


@pytest.mark.parametrize("part", SCENES)
@torch.inference_mode()
def test_logits_and_masks_match_smps(pair: tuple[nn.Module, nn.Module], part: str) -> None:
    reference, fast = pair
    image = tifffile.imread(shared(part))[..., :3]
    (tile,) = grid(*image.shape[:2], 2048, 0)
    pixels = torch.as_tensor(crop(image, tile)).permute(2, 0, 1)[None].float()
    x = (pixels - 127.5) / 31.875
    expected, got = reference(x), fast(x.to(memory_format=torch.channels_last))
    assert expected.std() > 0.1
    assert (expected - got).abs().max() < 1e-3
    same = (expected[:, 1] > expected[:, 0]) == (got[:, 1] > got[:, 0])
    assert same.float().mean() >= 0.9999


def test_only_the_parameters_of_the_forward_pass_are_kept() -> None:
    state = slim_state_dict(_smp_unet())
    fast = UNetLite3()
    assert state.keys() == fast.state_dict().keys()
    x = torch.randn(1, 3, 32, 32)
    fast(x).sum().backward()
    assert all(parameter.grad is not None for parameter in fast.parameters())
    assert sum(tensor.numel() for tensor in state.values()) < 2_350_000


def test_shipped_weights_are_slim() -> None:
    assert WEIGHTS.stat().st_size <= 6_000_000
    state = load_model(WEIGHTS).network.state_dict()
    assert all(np.isfinite(tensor.numpy()).all() for tensor in state.values())
    card = (Path(WEIGHTS).parent / "MODEL_CARD.md").read_text()
    assert load_model(WEIGHTS).sha256 in card
