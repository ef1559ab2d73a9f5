"""Every fault that is planted in a scene or its masks is found, with its fix, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.helpers.offline import scene_faults
from tests.helpers.offline.checked import Spoil, assert_only_finding, found, texture
from tests.helpers.offline.data_folder import mask_of, write_mask
from train_offline.data.check.check import check

FAULTS = [getattr(scene_faults, name) for name in scene_faults.__all__]


@pytest.mark.parametrize("spoil", FAULTS)
def test_a_fault_is_the_only_finding(folder: Path, spoil: Spoil, capsys: pytest.CaptureFixture[str]) -> None:
    assert_only_finding(folder, spoil, capsys)


@pytest.mark.parametrize(
    ("form", "told"),
    [("16 bits", "uint16"), ("palette", "uint8"), ("white is zero", "uint8"), ("turned", "uint8")],
)
def test_what_training_can_read_is_no_finding(folder: Path, form: str, told: str) -> None:
    image, options = texture(0), {"photometric": "rgb"}
    if form == "16 bits":
        image = image.astype(np.uint16) * 100
    elif form == "palette":
        ramp = np.tile(np.arange(0, 2**16, 257, dtype=np.uint16), (3, 1))
        image, options = image[..., 0], {"photometric": "palette", "colormap": ramp}
    elif form == "white is zero":
        image, options = image[..., 0], {"photometric": "miniswhite"}
    else:
        image, options = np.rot90(image).copy(), {**options, "extratags": [(274, "H", 1, 6, True)]}
    tifffile.imwrite(folder / "image" / "a.tif", image, **options)
    assert found(folder) == []
    row = check(folder).rows[0]
    assert (row.size, row.bands, row.dtype) == ((90, 120), 1 if image.ndim == 2 else 3, told)
    assert row.ice == pytest.approx(1 / 3)


def test_pixels_without_data_are_counted_as_ignored(folder: Path) -> None:
    image = texture(0)
    image[:45] = 0
    tags = [(42113, "s", 0, "0", True)]
    tifffile.imwrite(folder / "image" / "a.tif", image, photometric="rgb", extratags=tags)
    assert found(folder) == [], "half of the scene is black, but it says so itself"
    row = check(folder).rows[0]
    assert row.ignored == pytest.approx(0.5)
    assert row.ice == pytest.approx(1 / 3)
    write_mask(folder / "ignore" / "a.png", mask_of(np.arange(90)[:, None] >= np.full(120, 45)))
    assert [one[:2] for one in found(folder)] == [("ignore/a.png", "leaves out every pixel of its scene")]


@pytest.mark.parametrize("mode", ["1", "P", "RGB"])
def test_masks_in_other_forms_of_png_are_fine(folder: Path, mode: str) -> None:
    mask = Image.open(folder / "gt" / "a.png")
    mask.convert(mode).save(folder / "gt" / "a.png")
    assert found(folder) == []
    assert check(folder).rows[0].ice == pytest.approx(1 / 3)


@pytest.mark.parametrize("spoil", [scene_faults.half_black, scene_faults.striped_rows])
def test_what_is_ignored_is_not_complained_of(folder: Path, spoil: Spoil) -> None:
    spoil(folder)
    black = np.zeros((90, 120), np.uint8)
    black[:45], black[5::20] = 255, 255
    write_mask(folder / "ignore" / "a.png", black)
    assert found(folder) == []
