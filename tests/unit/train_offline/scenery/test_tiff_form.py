"""Drawn scenes are files in the target's own form."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import tifffile

from train_offline.scenery.scene import make_scene
from train_offline.scenery.tiff_form import write_scene


def test_files_have_the_form_of_the_target(tmp_path: Path) -> None:
    scene = make_scene(5, 83, 70, ice=True)
    image, mask = write_scene(tmp_path, "x", scene)
    assert (image, mask) == (tmp_path / "image" / "x.tif", tmp_path / "gt" / "x.png")
    with tifffile.TiffFile(image) as file:
        tags = {tag.name: tag.value for tag in file.pages[0].tags.values()}
        np.testing.assert_array_equal(file.asarray(), scene.image)
    assert tags["Compression"] == 5  # LZW
    assert tags["Predictor"] == 2  # horizontal
    assert tags["RowsPerStrip"] == 5
    assert len(tags["StripOffsets"]) == 17
    assert not [name for name in tags if "Geo" in name or "Model" in name]
    read = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED)
    assert read.ndim == 2
    np.testing.assert_array_equal(read, scene.mask)
