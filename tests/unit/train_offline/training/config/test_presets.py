"""What a recipe sets, and what a flag changes of it."""

from __future__ import annotations

import pytest

from tests.helpers.offline.training import settings_of
from train_offline.runtime.options import flat, options_of
from train_offline.training.config.arguments import parse
from train_offline.training.config.presets import PRESETS, with_preset
from train_offline.training.config.settings import TrainSettings


def test_the_default_is_the_recipe_of_the_challenge() -> None:
    settings = flat(settings_of())
    recipe = {
        "crop": 512, "batch": 8, "epochs": 150, "sampling": "tiles", "augment": "gaofen2021", "dice": 1.0,
        "entropy": 1.0, "boundary": 1.0, "deep_supervision": 0.5, "optimiser": "adam", "lr": 1e-3,
        "weight_decay": 0.0, "schedule": "poly", "warm_up": 0.0, "clip": 0.0, "ema": 0.0, "precision": "fp32",
    }  # fmt: skip
    assert {name: settings[name] for name in recipe} == recipe
    assert settings["preset"] == "gaofen2021"


@pytest.mark.parametrize("preset", PRESETS)
def test_every_part_of_a_preset_is_a_flag_that_wins(preset) -> None:
    assert set(PRESETS[preset]) <= {option.key for option in options_of(TrainSettings)}
    other = {
        "crop": 96, "batch": 3, "epochs": 7, "sampling": "weighted", "augment": "none", "dice": 0.3,
        "entropy": 0.3, "boundary": 0.3, "deep_supervision": 0.3, "optimiser": "adamw", "lr": 0.3,
        "weight_decay": 0.3, "schedule": "cosine", "warm_up": 0.3, "clip": 0.3, "ema": 0.3,
        "precision": "bf16", "ice_crops": 0.3, "mix": 0.3, "recolour": 0.3, "lovasz": 0.3, "smoothing": 0.3,
        "rescale": 0.3,
    }  # fmt: skip
    assert set(PRESETS[preset]) <= set(other)
    for name, value in other.items():
        settings = flat(settings_of("--preset", preset, f"--{name.replace('_', '-')}", str(value)))
        assert settings[name] == value
        for kept in set(PRESETS[preset]) - {name}:
            assert settings[kept] == PRESETS[preset][kept]


def test_a_presets_deep_supervision_is_for_architectures_that_can_have_it() -> None:
    def weight(*more):
        return with_preset(parse(["--run", "r", *more]))["deep_supervision"]

    assert weight() == weight("--arch", "Unet") == weight("--arch", "light-residual") == 0.5
    assert weight("--arch", "fpn") == 0.0
    assert weight("--arch", "fpn", "--deep-supervision", "0.5") == 0.5, "then the network refuses"


def test_an_end_of_ones_own_replaces_the_presets() -> None:
    end = settings_of("--time-limit", "3").end
    assert (end.epochs, end.steps, end.time_limit) == (None, None, 3.0)
