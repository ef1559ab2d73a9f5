"""A checkpoint to export, and scenes to verify it on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from tests.helpers.offline.checkpoints import write_checkpoint


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random weights and two scenes that its random masks divide."""
    folder = tmp_path_factory.mktemp("export")
    for part in ("image", "gt"):
        (folder / "data" / part).mkdir(parents=True)
    for seed, (height, width) in enumerate(((90, 111), (64, 80))):
        rng = np.random.default_rng(seed)
        pixels = cv2.resize(rng.integers(1, 255, (9, 9, 3), dtype=np.uint8), (width, height))
        tifffile.imwrite(folder / "data" / "image" / f"{seed}.tif", pixels, photometric="rgb")
        cv2.imwrite(str(folder / "data" / "gt" / f"{seed}.png"), (pixels[..., 0] > 99).astype(np.uint8) * 255)
    write_checkpoint(folder / "last.pt")
    return folder
