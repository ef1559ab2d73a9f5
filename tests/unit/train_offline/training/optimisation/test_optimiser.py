"""The running average of the weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from train_offline.runtime.devices import make_fabric
from train_offline.training.config.settings import TrainSettings
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
