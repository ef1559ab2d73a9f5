"""Named recipes of training: each a plain dict of options by key. Flags that are given win."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from train_offline.models.deep_supervision import SUPERVISED

DEFAULT_PRESET = "gaofen2021"
ENDS = ("epochs", "steps", "time_limit")

PRESETS: dict[str, dict[str, Any]] = {
    # As the second place of the 2021 Gaofen Challenge's sea-ice track was trained (Kang et al. 2022), in full
    # precision; boundary loss after Bokhovkin & Burnaev 2019 (arXiv:1905.07852).
    "gaofen2021": {
        "epochs": 150,
        "batch": 8,
        "crop": 512,
        "sampling": "tiles",
        "ice_crops": 0.0,
        "mix": 0.0,
        "augment": "gaofen2021",
        "dice": 1.0,
        "entropy": 1.0,
        "boundary": 1.0,
        "lovasz": 0.0,
        "smoothing": 0.0,
        "deep_supervision": 0.5,
        "optimiser": "adam",
        "lr": 1e-3,
        "weight_decay": 0.0,
        "schedule": "poly",
        "warm_up": 0.0,
        "clip": 0.0,
        "ema": 0.0,
        "precision": "fp32",
    },
    # About as good after as many crops (tests/experiments/ablation.csv), of which it does more in the same
    # time. Some colours and scales vary, for the sake of other sensors and other days than those of the data.
    "modern": {
        "epochs": 150,
        "batch": 8,
        "crop": 256,
        "sampling": "weighted",
        "ice_crops": 0.3,
        "mix": 0.0,
        "augment": "strong",
        "recolour": 0.15,
        "rescale": 0.15,
        "entropy": 1.0,
        "dice": 1.0,
        "boundary": 1.0,
        "lovasz": 0.0,
        "smoothing": 0.0,
        "deep_supervision": 0.5,
        "optimiser": "adamw",
        "lr": 1e-3,
        "weight_decay": 0.01,
        "schedule": "cosine",
        "warm_up": 0.05,
        "clip": 1.0,
        "ema": 0.998,
        "precision": "auto",
    },
}


def with_preset(given: Mapping[str, Any]) -> dict[str, Any]:
    """Put the options of a preset below those that were given; a given end replaces the preset's own.

    A preset's deep supervision is left out where the given architecture cannot have it.
    """
    name = given.get("preset", DEFAULT_PRESET)
    preset = {"preset": name, **PRESETS[name]}
    if any(end in given for end in ENDS):
        preset.pop("epochs")
    if given.get("arch", SUPERVISED[0]).lower() not in SUPERVISED:
        preset["deep_supervision"] = 0.0
    return {**preset, **given}
