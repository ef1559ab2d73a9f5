"""Batches are the same however many processes draw them, and from wherever an epoch is taken up."""

from __future__ import annotations

from pathlib import Path

import torch

from tests.helpers.offline.training import settings_of
from train_offline.data.sources import load_sources, side_of
from train_offline.runtime.devices import make_fabric
from train_offline.training.loader import Workers, batches, plan


def drawn(folders: Path, workers: int, steps_done: int = 0) -> list[tuple[torch.Tensor, torch.Tensor]]:
    few = ["--preset", "modern", "--crop", "32", "--batch", "4", "--epoch-crops", "24", "--epochs", "1"]
    settings = settings_of("--data", str(folders / "data"), *few, "--workers", str(workers))
    side = side_of(folders / "data", "train.csv")
    sources = [source for source, _ in load_sources([side], [1.0], "train.csv", folders / "kept")]
    fabric = make_fabric(device="cpu", precision="fp32", devices=1, seed=0)
    of_epoch = settings, sources, plan(settings, sources, 1), 3, steps_done
    return list(batches(fabric, *of_epoch, Workers()))


def test_batches_are_tensors_of_bytes(folders: Path) -> None:
    whole = drawn(folders, 0)
    assert len(whole) == 6
    assert {(images.shape, images.dtype) for images, _ in whole} == {((4, 32, 32, 3), torch.uint8)}
    assert {(labels.shape, labels.dtype) for _, labels in whole} == {((4, 32, 32), torch.uint8)}


def test_workers_and_resuming_change_nothing(folders: Path) -> None:
    whole = drawn(folders, 0)
    for workers, steps_done in ((1, 0), (3, 0), (0, 4), (3, 4)):
        found = drawn(folders, workers, steps_done)
        assert len(found) == len(whole) - steps_done
        for one, other in zip(found, whole[steps_done:], strict=True):
            assert torch.equal(one[0], other[0])
            assert torch.equal(one[1], other[1])
