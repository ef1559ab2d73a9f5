"""Training sees the pixels that the job sees, whatever the file; plain scenes are as they are in the file."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from infer.errors import FileError
from infer.plan.scenes import find_scenes
from infer.read.decoder import Decoder
from tests.helpers.offline.data_folder import write_mask
from tests.helpers.support import random_rgb, shared
from train_offline.data.folder import Pair, read_labelled
from train_offline.data.pixels import between, read_image, read_mask

COLOURS = np.random.default_rng(0).integers(0, 2**16, (3, 256), np.uint16)
NODATA = [(42113, "s", 0, "0", True)]
DRAWN = random_rgb(20, 30)[..., 0] > 99
GREY = random_rgb(40, 56)[..., 0]
RGB = random_rgb(40, 56)
WEDGE = np.where(np.tri(40, 56, dtype=bool), 255, 0).astype(np.uint8)
SCENES = {
    "rgb": (RGB, {"photometric": "rgb"}),
    "16 bits": (RGB.astype(np.uint16) * 211, {"photometric": "rgb"}),
    "16 bits grey": (GREY.astype(np.uint16) * 211, {"photometric": "minisblack"}),
    "palette": (GREY, {"photometric": "palette", "colormap": COLOURS}),
    "white is zero": (GREY, {"photometric": "miniswhite"}),
    "one bit": (GREY > 120, {"photometric": "minisblack"}),
    "alpha": (np.dstack([RGB, WEDGE]), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "nodata": (np.where(WEDGE[..., None] > 0, RGB, 0), {"photometric": "rgb", "extratags": NODATA}),
    "float": (np.where(WEDGE > 0, GREY / 3, np.nan).astype(np.float32), {"photometric": "minisblack"}),
    "CMYK": (np.dstack([RGB, GREY]), {"photometric": "separated"}),
    "turned": (RGB, {"photometric": "rgb", "extratags": [(274, "H", 1, 8, True)]}),
    "planar": (np.moveaxis(RGB, 2, 0), {"photometric": "rgb", "planarconfig": "separate"}),
}


def by_job(path: Path) -> np.ndarray:
    """uint8 [H, W, 3], from the job's own decoder."""
    scenes = [scene for scene in find_scenes(path.parent) if scene.path == path]
    (decoded,) = Decoder(False, 1, lambda _: None, lambda _: None).decode(scenes)
    assert decoded.pixels is not None, decoded.error
    return decoded.pixels


@pytest.mark.parametrize("kind", SCENES)
def test_pixels_are_the_jobs(tmp_path: Path, kind: str) -> None:
    image, form = SCENES[kind]
    tifffile.imwrite(tmp_path / "s.tif", image, **form)
    seen = by_job(tmp_path / "s.tif")
    write_mask(tmp_path / "s.png", np.zeros(seen.shape[:2], np.uint8))
    scene = read_labelled(Pair(tmp_path / "s.tif", tmp_path / "s.png", None))
    np.testing.assert_array_equal(scene.image, seen)
    assert scene.image.std() > 5


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_picture_by_the_name_of_a_tiff_is_read(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(RGB).save(tmp_path / f"s.{suffix}")
    (tmp_path / f"s.{suffix}").rename(tmp_path / "s.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "s.tif").pixels, by_job(tmp_path / "s.tif"))


def test_odd_files_are_read_as_the_job_reads_them() -> None:
    paths = sorted(shared("data/odd_tiffs").iterdir())
    read = 0
    for path in paths:
        with suppress(FileError):
            pixels = read_image(path).pixels
            np.testing.assert_array_equal(pixels, by_job(path), err_msg=path.name)
            read += 1
    assert read >= 20


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"compression": "lzw", "predictor": 2, "rowsperstrip": 5},
        {"compression": "deflate", "tile": (16, 32)},
        {"byteorder": ">"},
        {"planarconfig": "separate"},
    ],
    ids=str,
)
def test_plain_scenes_are_what_is_in_the_file(tmp_path: Path, form: dict[str, object]) -> None:
    planar = "planarconfig" in form
    tifffile.imwrite(tmp_path / "s.tif", np.moveaxis(RGB, 2, 0) if planar else RGB, photometric="rgb", **form)
    read = read_image(tmp_path / "s.tif")
    np.testing.assert_array_equal(read.pixels, RGB)
    assert read.valid is None


def test_grey_is_repeated_and_a_fourth_band_left_out(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "grey.tif", GREY, photometric="minisblack")
    np.testing.assert_array_equal(read_image(tmp_path / "grey.tif").pixels, np.dstack([GREY] * 3))
    four = np.dstack([RGB, np.zeros_like(GREY)])  # black, and no alpha: infrared, say
    tifffile.imwrite(tmp_path / "four.tif", four, photometric="rgb", extrasamples=["unspecified"])
    read = read_image(tmp_path / "four.tif")
    np.testing.assert_array_equal(read.pixels, RGB)
    assert read.valid is None


def test_an_error_tells_its_kind_and_its_file(tmp_path: Path) -> None:
    path = tmp_path / "s.tif"
    path.write_bytes(b"II*\0nonsense")
    with pytest.raises(FileError) as caught:
        read_image(path)
    assert (caught.value.kind, caught.value.path) == ("unreadable", path)
    assert caught.value.reason.startswith("cannot be read: ")
    assert str(path) not in caught.value.reason


@pytest.mark.parametrize(
    ("mask", "kind"),
    [(None, "unreadable"), (np.eye(9, dtype=np.uint16), "form"), (np.eye(8, 9, dtype=np.uint8), "size")],
)
def test_an_error_of_a_mask_tells_its_kind(tmp_path: Path, mask: np.ndarray | None, kind: str) -> None:
    path = tmp_path / "m.png"
    path.write_bytes(b"nonsense") if mask is None else cv2.imwrite(str(path), mask)
    with pytest.raises(FileError) as caught:
        read_mask(path, (9, 9))
    assert (caught.value.kind, caught.value.path) == (kind, path)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_a_mask_drawn_in_its_alpha_channel_is_refused(tmp_path: Path, mode: str) -> None:
    if mode == "P":  # two entries of one colour, the first transparent
        picture = Image.fromarray(DRAWN.astype(np.uint8)).convert("P")
        picture.putpalette([255] * 6)
        picture.save(tmp_path / "m.png", transparency=0)
    else:
        picture = Image.new(mode, (30, 20), "white")
        picture.putalpha(Image.fromarray(DRAWN.astype(np.uint8) * 255))
        picture.save(tmp_path / "m.png")
    with pytest.raises(FileError, match="alpha channel") as caught:
        read_mask(tmp_path / "m.png", (20, 30))
    assert caught.value.kind == "form"


@pytest.mark.parametrize("transparency", [0, 255])
def test_an_alpha_channel_of_one_value_says_nothing(tmp_path: Path, transparency: int) -> None:
    ice = DRAWN.astype(np.uint8) * 255
    Image.fromarray(np.dstack([ice, ice, ice, np.full_like(ice, transparency)])).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", (20, 30)) != 0, ice != 0)


@pytest.mark.parametrize("colour", [(1, 0, 0), (255, 0, 0), (0, 3, 9)])
def test_ice_in_a_colour_is_kept_and_named(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    """A dark colour would be 0 in grey."""
    ice = (DRAWN != 0)[..., None]
    Image.fromarray(ice * np.array(colour, np.uint8)).save(tmp_path / "m.png")
    mask = read_mask(tmp_path / "m.png", (20, 30))
    np.testing.assert_array_equal(mask != 0, DRAWN != 0)
    assert between(mask)


def test_a_pipe_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    with pytest.raises(FileError, match="not a regular file"):
        read_image(tmp_path / "pipe.tif")
