"""What Pillow reads: pictures under a wrong name, and colours that nothing else reads."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from infer.errors import DecodeError
from infer.plan.tiff_header import read_header
from tests.helpers.job.odd_tiffs import PICTURE, WIDE, read, stretched


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK", "I;16"])
def test_pictures_under_a_wrong_name(tmp_path: Path, form: str, mode: str) -> None:
    if (form, mode) in {("PNG", "CMYK"), ("JPEG", "RGBA"), ("JPEG", "P"), ("JPEG", "I;16")}:
        pytest.skip("no such picture")
    path = tmp_path / "x.tif"
    image = Image.fromarray(WIDE[..., 0]) if mode == "I;16" else Image.fromarray(PICTURE).convert(mode)
    image.save(path, form)
    found = read(path).pixels
    if mode == "I;16":
        assert np.abs(found[..., 0] - stretched(WIDE[..., 0], WIDE[..., 0])).max() <= 1
        return
    expected = np.asarray(Image.open(path).convert("RGB"))
    assert np.abs(found.astype(int) - expected).max() <= (0 if form == "PNG" else 4)


XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize("kind", ["MPO", "XMP"])
def test_jpegs_of_phones_are_turned_too(tmp_path: Path, kind: str) -> None:
    image, path = Image.fromarray(cv2.resize(PICTURE, (88, 120))), tmp_path / "x.tif"
    if kind == "MPO":
        exif = Image.Exif()
        exif[274] = 6
        image.save(path, "MPO", save_all=True, append_images=[image], exif=exif)
    else:
        image.save(path, "JPEG", xmp=XMP)
    found = read(path).pixels
    upright = np.rot90(np.asarray(Image.open(path).convert("RGB")), -1)
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).max() <= 4


def test_a_picture_has_its_size_however_it_ends_or_however_large_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    Image.fromarray(PICTURE).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:200])
    assert read_header(path).shape == PICTURE.shape[:2]
    with pytest.raises(DecodeError):
        read(path)
    Image.new("1", (14_000, 13_500)).save(path, "PNG")  # more than Pillow opens by itself
    assert read_header(path).shape == (13_500, 14_000)


def test_a_jpeg_is_turned_by_its_exif(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(PICTURE).save(path, "JPEG", exif=exif)
    assert read_header(path).shape == (44, 60)
    assert read(path).pixels.shape == (44, 60, 3)


@pytest.mark.parametrize("mode", ["YCbCr", "LAB"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_colours_that_only_pillow_reads(tmp_path: Path, mode: str, orientation: int) -> None:
    path, smooth = (
        tmp_path / "x.tif",
        cv2.GaussianBlur(PICTURE, (0, 0), 6),
    )  # none so loud that sRGB has not got it
    picture = Image.fromarray(smooth)
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        converted = ImageCms.applyTransform(picture, ImageCms.buildTransform(*profiles, "RGB", mode))
        assert converted is not None
        picture = converted
    picture.convert(mode).save(path, tiffinfo={274: orientation})
    found = read(path).pixels
    expected = smooth if orientation == 1 else np.rot90(smooth, -1)
    assert np.abs(found.astype(int) - expected).max() <= 4
