"""Settings on disk: the flat form, in which those of every version are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from train_offline.training.config.settings import TrainSettings, from_json


def test_settings_survive_the_checkpoint(folders: Path) -> None:
    def inside(where: Path) -> TrainSettings:
        paths = {"run": where / "r", "init": where / "i", "cache": where / "c"}
        return TrainSettings.of({**paths, "data": ((where / "d", 2.0),), "val": (where / "v",), "lr": 0.5})

    again = TrainSettings.of(from_json(json.loads(json.dumps(inside(Path()).to_json()))))
    assert again == inside(Path.cwd())


EARLIER = {  # as settings.json and checkpoints have held it since the first version
    "run": "/runs/a", "preset": "modern", "data": [["/data/a", 2.0], ["/data/b", 1.0]], "val": ["/data/v"],
    "fold": None, "epochs": None, "steps": 7, "time_limit": None, "epoch_crops": 8, "patience": None,
    "arch": "light-residual", "encoder": "timm-tf_efficientnet_lite3", "encoder_weights": "imagenet-lite2",
    "deep_supervision": 0.5, "entropy": 1.0, "dice": 0.9, "boundary": 0.8, "lovasz": 0.1, "smoothing": 0.2,
    "sampling": "weighted", "crop": 32, "batch": 2, "ice_crops": 0.3, "mix": 0.1, "augment": "geometry",
    "recolour": 0.15, "rescale": 0.25, "optimiser": "adam", "lr": 0.002, "weight_decay": 0.03,
    "schedule": "poly", "warm_up": 0.04, "clip": 0.7, "ema": 0.9, "seed": 5, "precision": "fp32",
    "device": "cpu", "devices": 1, "workers": 0, "cache": "/cache", "tensorboard": False, "save_every": 2.0,
    "val_every": 3, "init": None, "resume": True, "of_a_version_to_come": 1,
}  # fmt: skip


def test_the_flat_form_of_earlier_versions_is_read_and_written() -> None:
    settings = TrainSettings.of(from_json(EARLIER))
    assert settings.data.train == ((Path("/data/a"), 2.0), (Path("/data/b"), 1.0))
    assert (settings.crops.size, settings.crops.augmentation, settings.crops.rescale) == (
        32,
        "geometry",
        0.25,
    )
    assert (settings.network.arch, settings.network.encoder_weights) == ("light-residual", "imagenet-lite2")
    assert (settings.loss.deep, settings.loss.dice) == (0.5, 0.9)
    assert (settings.optimisation.batch, settings.run.seed, settings.reports.val_every) == (2, 5, 3)
    assert settings.run.folder == Path("/runs/a")
    known = {key: value for key, value in EARLIER.items() if key != "of_a_version_to_come"}
    assert settings.to_json() == known


def test_what_an_earlier_version_did_not_know_has_its_neutral_value() -> None:
    settings = TrainSettings.of(from_json({"run": "/r", "data": [], "val": []}))
    assert (settings.loss.deep, settings.loss.boundary, settings.crops.rescale) == (0.0, 0.0, 1.0)
    assert settings.optimisation.optimiser == "adamw"


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="no option batches"):
        TrainSettings.of({"run": Path("r"), "batches": 2})
