"""A folder in order has no findings, and `check` and the training agree on what stops."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers.offline.checked import found
from tests.helpers.offline.data_folder import write_list
from tests.helpers.offline.scene_faults import all_ignored, dead_column, one_value, other_values
from tests.helpers.support import shared
from train_offline.data.folder import listed_pairs, read_labelled


def test_training_and_check_agree_on_what_stops(folder: Path) -> None:
    """What `check` lets pass can be read by the training."""
    for spoil in (other_values, all_ignored, one_value, dead_column):
        spoil(folder)
    shutil.copy(folder / "gt" / "a.png", folder / "gt" / "g.png")  # no scene of this name
    write_list(folder, "train.csv", "abcda")
    assert not any(stops for _, _, stops in found(folder))
    assert len([read_labelled(pair) for pair in listed_pairs(folder, "train.csv")]) == 5


@pytest.mark.parametrize("part", ["amazon_forest/train", "floes_modis"])
def test_real_folders_in_order(part: str) -> None:
    findings = found(shared(f"data/{part}"))
    assert not any(stops for _, _, stops in findings)
    assert all(what.startswith("looks like") for _, what, _ in findings)
    assert len(findings) == (7 if "floes" in part else 0)
