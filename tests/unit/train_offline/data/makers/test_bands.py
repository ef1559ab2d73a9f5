"""Tiles have the bands of their scene: the job reads a tile as it reads that part of the scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tests.helpers.support import random_rgb
from train_offline.data.makers.bands import read_bands, write_bands
from train_offline.data.pixels import read_image

WINDOW = np.s_[8:40, 5:37]
FOUR = np.dstack([random_rgb(48, 64), np.repeat(np.arange(48, dtype=np.uint8)[:, None] // 24, 64, 1)])
SCENES: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "grey": (FOUR[..., 0], {}),
    "RGB": (FOUR[..., :3], {"photometric": "rgb"}),
    "RGB in planes": (np.moveaxis(FOUR[..., :3], 2, 0), {"photometric": "rgb", "planarconfig": "separate"}),
    "RGBA": (FOUR, {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "four bands": (FOUR, {"photometric": "minisblack", "planarconfig": "contig"}),
    "four bands, the last alpha": (
        FOUR,
        {"photometric": "minisblack", "planarconfig": "contig", "extrasamples": [0, 0, 2]},
    ),
    "four bands in planes": (
        np.moveaxis(FOUR, 2, 0),
        {"photometric": "minisblack", "planarconfig": "separate"},
    ),
    "three grey images": (np.moveaxis(FOUR[..., :3], 2, 0), {"photometric": "minisblack"}),
    "nodata": (FOUR[..., :3], {"photometric": "rgb", "extratags": [(42113, "s", 0, "7", True)]}),
    "words of GDAL that are no ASCII": (
        FOUR[..., :3],
        {"photometric": "rgb", "extratags": [(42112, "s", 0, "<Item>gr\u00fcn</Item>".encode(), True)]},
    ),
}


@pytest.mark.parametrize("kind", SCENES)
def test_the_job_reads_a_tile_as_it_reads_that_part_of_the_scene(kind: str, tmp_path: Path) -> None:
    image, options = SCENES[kind]
    tifffile.imwrite(tmp_path / "scene.tif", image, metadata=None, **options)
    write_bands(tmp_path / "tile.tif", read_bands(tmp_path / "scene.tif"), WINDOW)
    scene, tile = read_image(tmp_path / "scene.tif"), read_image(tmp_path / "tile.tif")
    np.testing.assert_array_equal(tile.pixels, scene.pixels[WINDOW])
    everywhere = np.ones(scene.pixels.shape[:2], bool)
    there = (everywhere if scene.valid is None else scene.valid)[WINDOW]
    np.testing.assert_array_equal(np.ones(there.shape, bool) if tile.valid is None else tile.valid, there)
