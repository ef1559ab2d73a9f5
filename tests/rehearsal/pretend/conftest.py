"""A folder of scenes and their masks by torch on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.helpers.support import random_rgb, read_masks, run_infer, write_tiff
from tests.rehearsal.pretend.cuda_faults import MARK
from train_offline.scenery.scene import make_scene

SMALL_TILES = ("--tile", "512", "--overlap", "64", "--batch", "3")


class Rehearsed(NamedTuple):
    """A folder, and masks uint8 [H, W] by the names of its scenes; CUT is damaged."""

    folder: Path
    masks: dict[str, np.ndarray]


CUT = "cut.tif"


@pytest.fixture(scope="session")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    """Six scenes of one shape, one that is cut into tiles, a grey one, a damaged one, and a marked one."""
    folder = tmp_path_factory.mktemp("scenes")
    for seed in range(6):
        write_tiff(folder / f"{seed}.tif", make_scene(seed, 128, 144, ice=True).image)
    write_tiff(folder / "large.tif", make_scene(9, 530, 300, ice=True).image)
    write_tiff(folder / "grey.tif", make_scene(11, 128, 144, ice=True).image[..., 0])
    marked = make_scene(12, 160, 128, ice=True).image
    marked[0, 0, 0] = MARK
    write_tiff(folder / "marked.tif", marked)
    cut = write_tiff(folder / CUT, random_rgb(128, 144))
    cut.write_bytes(cut.read_bytes()[:20000])
    output = tmp_path_factory.mktemp("masks")
    line = ("--input", folder, "--output", output, *SMALL_TILES, "--device", "cpu")
    assert run_infer(*line, engine="torch").returncode == 0
    masks = {name.replace(".png", ".tif"): mask for name, mask in read_masks(output).items()}
    assert sum(0.05 < (mask > 0).mean() < 0.95 for mask in masks.values()) >= 6
    return Rehearsed(folder, masks)
