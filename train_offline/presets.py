"""Named recipes of training: each a plain dict that overrides fields of TrainSettings. Explicit flags win."""

from __future__ import annotations

from typing import Any

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
        "augment": "gaofen2021",
        "dice": 1.0,
        "entropy": 1.0,
        "boundary": 1.0,
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
    # What TrainSettings holds by default, made for other sensors and other days than those of the data.
    "modern": {
        "epochs": 150,
        "ice_crops": 0.5,
    },
}


def with_preset(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a preset below those that were given; a given end replaces the preset's own."""
    name = given.get("preset", DEFAULT_PRESET)
    preset = {"preset": name, **PRESETS[name]}
    if any(end in given for end in ENDS):
        preset.pop("epochs")
    return preset | given
