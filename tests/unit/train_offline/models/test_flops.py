"""Parameters and arithmetic, against sums made by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from infer.network.unet_lite3 import UNetLite3
from train_offline.models.build import NetworkSettings
from train_offline.models.flops import cost, flop_of


def test_two_for_each_multiply_add() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 5, 2, 2, groups=8)
    )
    by_hand = 2 * (64 * 64 * 8 * 3 * 9 + 32 * 32 * 8 * 25)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert flop_of(network.train(), 64) == by_hand
    assert network.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_the_fast_network_costs_what_the_facts_say() -> None:
    found = cost(NetworkSettings())
    assert found.flop == flop_of(UNetLite3())
    assert found.flop / 1e9 == pytest.approx(21.9, abs=0.05)
    assert found.parameters < 2_350_000


def test_the_light_decoder_is_lighter() -> None:
    plain, light = cost(NetworkSettings(), 256), cost(NetworkSettings(arch="light-residual"), 256)
    assert light.parameters < plain.parameters
    assert light.flop < 0.7 * plain.flop
