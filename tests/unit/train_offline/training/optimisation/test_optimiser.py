"""The running average of the weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from train_offline.runtime.devices import make_fabric
from train_offline.training.config.settings import TrainSettings
from train_offline.training.optimisation.optimiser import averaged
from train_offline.training.step import Trainer


def test_average_is_the_running_mean_of_weights_and_of_batch_statistics(tmp_path: Path) -> None:
    settings = TrainSettings.of({"run": tmp_path, "ema": 0.3, "lr": 0.01})
    trainer = Trainer(make_fabric(device="cpu", precision="fp32", devices=1, seed=0), settings)
    rng = np.random.default_rng(0)
    expected = None
    for step in range(4):
        images = torch.from_numpy(rng.integers(0, 255, (2, 32, 32, 3), dtype=np.uint8))
        trainer.step(images, torch.from_numpy(rng.integers(0, 2, (2, 32, 32))), 0.01)
        now = {
            k: v.clone().double() for k, v in trainer.network.state_dict().items() if v.is_floating_point()
        }
        kept = min(0.3, (1 + step) / (10 + step))
        expected = now if step == 0 else {k: kept * expected[k] + (1 - kept) * now[k] for k in now}
    found = trainer.average.module.state_dict()
    assert any("running_var" in name for name in expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name].double(), value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("network", [nn.BatchNorm2d(8), nn.Conv2d(3, 8, 3)])  # with and without a count
@pytest.mark.parametrize("decay", [0.0, 0.2, 0.998])
def test_average_is_torchs_own_to_the_bit(network: nn.Module, decay: float) -> None:
    """torch's own waits for the GPU that the weights are on, this one does not (tests/rehearsal)."""

    def mix(averages: list[torch.Tensor], values: list[torch.Tensor], count: torch.Tensor) -> None:
        kept = min(decay, (1 + float(count)) / (10 + float(count)))
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, values, 1 - kept)
        else:
            torch._foreach_copy_(averages, values)

    expected, found = AveragedModel(network, multi_avg_fn=mix, use_buffers=True), averaged(network, decay)
    for step in range(5):
        for tensor in network.state_dict().values():
            tensor.copy_(torch.randn(tensor.shape) if tensor.is_floating_point() else torch.tensor(step + 7))
        expected.update_parameters(network)
        found.update_parameters(network)
        same = {k: torch.equal(v, found.state_dict()[k]) for k, v in expected.state_dict().items()}
        assert "n_averaged" in same
        assert all(same.values()), same
