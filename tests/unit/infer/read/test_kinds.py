"""Every kind of TIFF, against the arrays that were written and against a second reader, Pillow."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from infer.errors import DecodeError
from infer.plan.tiff_header import read_header
from infer.read.rgb import HIGH, LOW
from infer.read.scene import Read
from infer.read.tiff.tifffile_reader import FEWER_BANDS, read_odd_scene
from tests.helpers.support import random_rgb, shared

RGB = random_rgb(60, 44)
GREY = RGB[..., 0]
WIDE = (RGB.astype(np.uint16) * 157 + 900).astype(np.uint16)  # 16 bits


def read(path: Path) -> Read:
    return Read(*read_odd_scene(path, read_header(path)))


def written(tmp_path: Path, image: np.ndarray, **options: Any) -> Read:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, image, **options)
    return read(path)


def stretched(image: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """The documented line, in float64."""
    low, high = np.percentile(counted.astype(np.float64), (LOW, HIGH))
    return np.rint(np.clip((image.astype(np.float64) - low) * 255 / (high - low), 0, 255))


@pytest.mark.parametrize(
    "options",
    [
        {"rowsperstrip": 7},
        {"tile": (16, 32)},
        {"byteorder": ">"},
        {"bigtiff": True},
        *({"compression": c} for c in ("lzw", "deflate", "zstd", "lzma", "packbits", "lerc")),
        {"compression": "lzw", "predictor": True},
        {"compression": "webp", "compressionargs": {"lossless": True}},
    ],
    ids=str,
)
@pytest.mark.parametrize("planar", [False, True])
def test_layouts_of_plain_rgb(tmp_path: Path, options: dict[str, Any], planar: bool) -> None:
    image = np.moveaxis(RGB, -1, 0) if planar else RGB
    if planar and options.get("compression") == "webp":
        pytest.skip("WebP holds colours together")
    found = written(
        tmp_path, image, photometric="rgb", planarconfig="separate" if planar else "contig", **options
    )
    np.testing.assert_array_equal(found.pixels, RGB)
    assert found.valid is None


def test_jpeg_in_ycbcr_is_read_as_pillow_reads_it(tmp_path: Path) -> None:
    smooth = cv2.resize(RGB, (256, 256), interpolation=cv2.INTER_CUBIC)
    found = written(tmp_path, smooth, photometric="rgb", compression="jpeg", rowsperstrip=256)
    expected = np.asarray(Image.open(tmp_path / "x.tif").convert("RGB"))
    assert np.abs(found.pixels.astype(int) - expected).max() <= 3


@pytest.mark.parametrize(("tag", "value"), [("ImageWidth", 65535), ("ImageWidth", 45), ("RowsPerStrip", 17)])
def test_jpegs_smaller_than_their_places_are_refused(tmp_path: Path, tag: str, value: int) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, RGB, photometric="rgb", compression="jpeg", rowsperstrip=16)
    assert read(path).pixels.shape == RGB.shape
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages.first.tags[tag].overwrite(value)
    with pytest.raises(DecodeError, match="a JPEG of 44x16 pixels for"):
        read(path)


def test_a_jpeg_far_larger_than_its_place_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, RGB, photometric="rgb", compression="jpeg", rowsperstrip=16)
    content = bytearray(path.read_bytes())
    start = content.find(b"\xff\xc0")  # of its header: height and width stand five bytes on
    content[start + 5 : start + 9] = b"\xff\xdc" * 2  # 65,500 each: 13 GB
    path.write_bytes(content)
    with pytest.raises(DecodeError, match="a JPEG of 65500x65500 pixels for 44x16"):
        read(path)


def test_jpeg_tiles_cropped_at_the_edge_are_whole(tmp_path: Path) -> None:
    smooth = cv2.resize(RGB[:4, :4], (44, 60), interpolation=cv2.INTER_CUBIC)
    corners = [(y, x) for y in range(0, 60, 32) for x in range(0, 44, 32)]
    tiles = (imagecodecs.jpeg8_encode(smooth[y : y + 32, x : x + 32].copy(), level=95) for y, x in corners)
    form = {"shape": smooth.shape, "dtype": "uint8", "photometric": "ycbcr", "tile": (32, 32)}
    tifffile.imwrite(tmp_path / "x.tif", tiles, compression="jpeg", **form)
    assert np.abs(read(tmp_path / "x.tif").pixels.astype(int) - smooth).mean() < 4


def test_grey_is_repeated_and_white_may_be_zero(tmp_path: Path) -> None:
    np.testing.assert_array_equal(written(tmp_path, GREY).pixels, np.dstack([GREY] * 3))
    found = written(tmp_path, GREY, photometric="miniswhite")
    np.testing.assert_array_equal(found.pixels, 255 - np.dstack([GREY] * 3))


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_one_bit(tmp_path: Path, photometric: str) -> None:
    found = written(tmp_path, GREY > 127, photometric=photometric)
    expected = np.where((GREY > 127) == (photometric == "minisblack"), 255, 0)
    np.testing.assert_array_equal(found.pixels, np.dstack([expected] * 3))


@pytest.mark.parametrize("bits", [2, 4])
def test_few_bits_fill_the_range(tmp_path: Path, bits: int) -> None:
    small = GREY >> (8 - bits)
    found = written(tmp_path, small, bitspersample=bits)
    expected = small.astype(int) * 255 // (2**bits - 1)
    np.testing.assert_array_equal(found.pixels, np.dstack([expected] * 3))


def test_palettes_become_their_colours(tmp_path: Path) -> None:
    palette = np.random.default_rng(0).integers(0, 2**16, (3, 256)).astype(np.uint16)
    found = written(tmp_path, GREY, photometric="palette", colormap=palette)
    np.testing.assert_array_equal(found.pixels, (palette >> 8).T[GREY])
    expected = np.asarray(Image.open(tmp_path / "x.tif").convert("RGB"))
    np.testing.assert_array_equal(found.pixels, expected)


def test_cmyk_is_read_as_pillow_reads_it(tmp_path: Path) -> None:
    cmyk = np.dstack([RGB, random_rgb(60, 44, seed=5)[..., 0]])
    found = written(tmp_path, cmyk, photometric="separated")
    expected = np.asarray(Image.open(tmp_path / "x.tif").convert("RGB"))
    assert np.abs(found.pixels.astype(int) - expected).max() <= 1
    assert not found.notes


@pytest.mark.parametrize(
    "image",
    [WIDE, WIDE.astype(np.int16) - 9000, WIDE.astype(np.uint32) * 999, WIDE.astype(np.float32) / 7e4,
     WIDE.astype(np.float64) * 1e200, (WIDE / 7e4).astype(np.float16)],
    ids=lambda image: str(image.dtype),
)  # fmt: skip
def test_wide_samples_are_stretched_by_one_line(tmp_path: Path, image: np.ndarray) -> None:
    found = written(tmp_path, image, photometric="rgb")
    assert np.abs(found.pixels - stretched(image, image)).max() <= 1
    assert found.valid is None
    assert found.pixels.min() == 0
    assert found.pixels.max() == 255


def test_twelve_bits(tmp_path: Path) -> None:
    packed = np.zeros((60, 66), np.uint8)  # two samples of 12 bits in three bytes
    values = (GREY.astype(np.uint16) << 4) | 5
    even, odd = values[:, ::2], values[:, 1::2]
    packed[:, ::3], packed[:, 1::3], packed[:, 2::3] = even >> 4, ((even & 15) << 4) | (odd >> 8), odd & 255
    path = tmp_path / "x.tif"
    tags = [(258, 3, 1, 12, True), (256, 3, 1, 44, True)]
    tifffile.imwrite(path, packed, photometric="minisblack", metadata=None, rowsperstrip=60)
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        places = {tag.code: tag.valueoffset for tag in file.pages.first.tags}
    for code, _, _, value, _ in tags:
        size = 4 if code == 256 and content[places[code] - 6] == 4 else 2
        content[places[code] : places[code] + size] = value.to_bytes(size, "little")
    path.write_bytes(content)
    assert np.abs(read(path).pixels[..., 0] - stretched(values, values)).max() <= 1


def test_nodata_and_nan_are_no_data_and_do_not_disturb_the_stretch(tmp_path: Path) -> None:
    image = WIDE.astype(np.float32)
    image[:10, :, :] = -9999
    image[10:20, :, 1] = np.nan
    image[30, 30] = (np.inf, 1, 1)
    found = written(tmp_path, image, photometric="rgb", extratags=[(42113, "s", 0, "-9999", True)])
    valid = np.ones(image.shape[:2], bool)
    valid[:20] = valid[30, 30] = False
    np.testing.assert_array_equal(found.valid, valid)
    expected = stretched(image[valid], image[valid])
    assert np.abs(found.pixels[valid] - expected).max() <= 1


def test_nodata_of_eight_bits_changes_no_colour(tmp_path: Path) -> None:
    image = RGB.copy()
    image[:7] = 0
    image[8, 8] = (0, 5, 0)  # one band with data is data
    found = written(tmp_path, image, photometric="rgb", extratags=[(42113, "s", 0, "0", True)])
    np.testing.assert_array_equal(found.pixels, image)
    np.testing.assert_array_equal(found.valid, ~(image == 0).all(axis=2))


@pytest.mark.parametrize("text", ["", "none", "1e99", "-1"])
def test_a_nodata_that_no_sample_can_have_is_none(tmp_path: Path, text: str) -> None:
    found = written(tmp_path, RGB, photometric="rgb", extratags=[(42113, "s", 0, text, True)])
    assert found.valid is None


def test_a_scene_without_any_data_is_read(tmp_path: Path) -> None:
    found = written(tmp_path, np.full((9, 9), np.nan, np.float32))
    assert not found.valid.any()
    assert not found.pixels.any()


@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha"])
def test_where_alpha_is_zero_there_is_no_data(tmp_path: Path, kind: str) -> None:
    alpha = np.full(GREY.shape, 200, np.uint8)
    alpha[:5] = 0
    found = written(tmp_path, np.dstack([RGB, alpha]), photometric="rgb", extrasamples=[kind])
    np.testing.assert_array_equal(found.pixels, RGB)
    np.testing.assert_array_equal(found.valid, alpha > 0)
    assert not found.notes


def test_further_bands_are_left_out_and_counted(tmp_path: Path) -> None:
    bands = np.dstack([RGB, RGB])
    found = written(tmp_path, bands, photometric="rgb", planarconfig="contig")
    np.testing.assert_array_equal(found.pixels, RGB)
    assert found.notes == (FEWER_BANDS,)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_that_of_pillow(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, RGB, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    with Image.open(path) as image:
        image.load()
        expected = np.asarray(image.convert("RGB"))
    found = read(path)
    assert read_header(path).shape == expected.shape[:2]
    np.testing.assert_array_equal(found.pixels, expected)


def test_the_first_full_image_of_several(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(RGB[::4, ::4], photometric="rgb", subfiletype=1)
        file.write(RGB, photometric="rgb")
        file.write(RGB[::2, ::2], photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(read(path).pixels, RGB)
    assert not read_header(path).is_plain_rgb  # DALI would take the thumbnail


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK", "I;16"])
def test_pictures_under_a_wrong_name(tmp_path: Path, form: str, mode: str) -> None:
    if (form, mode) in {("PNG", "CMYK"), ("JPEG", "RGBA"), ("JPEG", "P"), ("JPEG", "I;16")}:
        pytest.skip("no such picture")
    path = tmp_path / "x.tif"
    image = Image.fromarray(WIDE[..., 0]) if mode == "I;16" else Image.fromarray(RGB).convert(mode)
    image.save(path, form)
    found = read(path).pixels
    if mode == "I;16":
        assert np.abs(found[..., 0] - stretched(WIDE[..., 0], WIDE[..., 0])).max() <= 1
        return
    expected = np.asarray(Image.open(path).convert("RGB"))
    assert np.abs(found.astype(int) - expected).max() <= (0 if form == "PNG" else 4)


def _patched(path: Path, code: int, *, pointer: int | None = None, value: int | None = None) -> None:
    """Change a tag of a little-endian classic TIFF in place: its value or pointer, four bytes either way."""
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        at = file.pages.first.tags[code].offset + 8
    content[at : at + 4] = struct.pack("<I", value if pointer is None else pointer)
    path.write_bytes(content)


def test_a_private_tag_that_points_nowhere_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, RGB, photometric="rgb", extratags=[(65000, 3, 100, [1] * 100, True)])
    _patched(path, 65000, pointer=0xFFFFFFF0)
    np.testing.assert_array_equal(read(path).pixels, RGB)


def test_a_bigtiff_whose_last_link_leads_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, RGB, photometric="rgb", bigtiff=True, metadata=None)
    content = bytearray(path.read_bytes())
    (directory,) = struct.unpack_from("<Q", content, 8)
    (tags,) = struct.unpack_from("<Q", content, directory)
    struct.pack_into("<Q", content, directory + 8 + 20 * tags, 2**62 + 2**61)
    path.write_bytes(content)
    np.testing.assert_array_equal(read(path).pixels, RGB)


def test_a_file_that_ends_in_its_strips_places_still_has_a_size(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, RGB, photometric="rgb", rowsperstrip=1, metadata=None)
    with tifffile.TiffFile(path) as file:
        places = file.pages.first.tags[273].valueoffset
    path.write_bytes(path.read_bytes()[: places + 1])
    assert read_header(path).shape == RGB.shape[:2]


@pytest.mark.parametrize("count", [0, RGB.size + 10])
def test_the_bytes_of_plain_strips_are_reckoned_where_their_counts_are_wrong(
    tmp_path: Path, count: int
) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, RGB, photometric="rgb", metadata=None)
    _patched(path, 279, value=count)
    np.testing.assert_array_equal(read(path).pixels, RGB)
    path.write_bytes(path.read_bytes()[:-20])  # and what is missing is missed
    with pytest.raises(DecodeError, match="cut short"):
        read(path)


XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize("kind", ["MPO", "XMP"])
def test_jpegs_of_phones_are_turned_too(tmp_path: Path, kind: str) -> None:
    image, path = Image.fromarray(cv2.resize(RGB, (88, 120))), tmp_path / "x.tif"
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
    Image.fromarray(RGB).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:200])
    assert read_header(path).shape == RGB.shape[:2]
    with pytest.raises(DecodeError):
        read(path)
    Image.new("1", (14_000, 13_500)).save(path, "PNG")  # more than Pillow opens by itself
    assert read_header(path).shape == (13_500, 14_000)


def test_a_jpeg_is_turned_by_its_exif(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(RGB).save(path, "JPEG", exif=exif)
    assert read_header(path).shape == (44, 60)
    assert read(path).pixels.shape == (44, 60, 3)


@pytest.mark.parametrize("mode", ["YCbCr", "LAB"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_colours_that_only_pillow_reads(tmp_path: Path, mode: str, orientation: int) -> None:
    path, smooth = (
        tmp_path / "x.tif",
        cv2.GaussianBlur(RGB, (0, 0), 6),
    )  # none so loud that sRGB has not got it
    picture = Image.fromarray(smooth)
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        picture = ImageCms.applyTransform(picture, ImageCms.buildTransform(*profiles, "RGB", mode))
    picture.convert(mode).save(path, tiffinfo={274: orientation})
    found = read(path).pixels
    expected = smooth if orientation == 1 else np.rot90(smooth, -1)
    assert np.abs(found.astype(int) - expected).max() <= 4


@pytest.mark.parametrize(
    ("image", "options", "reason"),
    [
        (RGB.astype(np.complex64)[..., 0], {}, "not whole or floating-point numbers"),
        (RGB, {"photometric": 32845}, "colours are stored as LOGLUV"),
        (np.zeros((3, 16, 16, 16), np.uint8)[0], {"volumetric": True, "tile": (16, 16, 16)}, "axes"),
    ],
    ids=["complex", "LogLuv", "volume"],
)
def test_what_has_no_rgb_is_refused(
    tmp_path: Path, image: np.ndarray, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DecodeError, match=reason):
        written(tmp_path, image, **options)


def test_tiles_far_larger_than_their_image_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, RGB, tile=(64, 64), photometric="rgb")
    with tifffile.TiffFile(path, mode="r+b") as file:
        for name in ("TileWidth", "TileLength"):
            file.pages.first.tags[name].overwrite(60_000)
    with pytest.raises(DecodeError, match="tiles of"):
        read(path)


@pytest.mark.parametrize("layout", [{"rowsperstrip": 7}, {"tile": (16, 32)}, {"compression": "lzw"}], ids=str)
def test_a_header_that_claims_more_than_was_written_is_refused(
    tmp_path: Path, layout: dict[str, Any]
) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, RGB, photometric="rgb", **layout)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages.first.tags["ImageLength"].overwrite(600)
    with pytest.raises(DecodeError, match="cut short"):  # tifffile alone would give zeros
        read(path)


def test_a_mask_page_says_where_there_is_no_data(tmp_path: Path) -> None:
    path, there = tmp_path / "x.tif", random_rgb(60, 44, 9)[..., 1] > 99
    with tifffile.TiffWriter(path) as writer:
        writer.write(RGB, photometric="rgb", metadata=None)
        writer.write(RGB[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
        writer.write(there, photometric="mask", subfiletype=4, metadata=None)
    found = read(path)
    np.testing.assert_array_equal(found.pixels, RGB)
    np.testing.assert_array_equal(found.valid, there)
    assert not read_header(path).is_plain_rgb  # DALI would not see the mask


@pytest.mark.parametrize("planar", [False, True])
def test_tiles_that_were_never_written_hold_no_data(tmp_path: Path, planar: bool) -> None:
    path, image = tmp_path / "x.tif", np.moveaxis(WIDE, -1, 0) if planar else WIDE
    tifffile.imwrite(
        path, image, tile=(32, 32), photometric="rgb", planarconfig="separate" if planar else None
    )
    with tifffile.TiffFile(path, mode="r+b") as file:  # tile 2 is the first of the second row
        for name in ("TileOffsets", "TileByteCounts"):
            tag = file.pages.first.tags[name]
            tag.overwrite([0 if index == 2 else value for index, value in enumerate(tag.value)])
    found, there = read(path), np.ones((60, 44), bool)
    there[32:, :32] = False
    np.testing.assert_array_equal(found.valid, there)

    np.testing.assert_array_equal(found.pixels[there], stretched(WIDE, WIDE[there])[there])


SECOND_READER = {  # of the real odd files, those that Pillow reads too: largest difference of a sample
    "gt_wildfires.tiff": 0, "it_BigTIFF.tif": 0, "it_kodim02-lzw.tif": 0, "it_miniswhite-1c-1b.tiff": 0,
    "it_palette-1c-8b.tiff": 0, "it_seq-1c-8b-multipage-adeefdcc.tiff": 0, "it_tiled-jpeg-ycbcr.tif": 4,
    "it_tiled-rgb-u8.tif": 0, "rio_RGB.byte.tif": 0, "rio_RGBA.byte.tif": 0, "rio_cogeo.tif": 4,
    "rio_rgb_lzw.tif": 0, "rio_shade.tif": 0, "rio_world.rgb.tif": 0,
}  # fmt: skip


@pytest.mark.parametrize("name", SECOND_READER)
def test_real_odd_files_are_read_as_pillow_reads_them(name: str) -> None:
    path = shared("data/odd_tiffs") / name
    image = Image.open(path)
    image = image.convert("RGBA").convert("RGB") if image.mode == "P" else image.convert("RGB")
    difference = np.abs(read(path).pixels.astype(int) - np.asarray(image))
    assert np.percentile(difference, 99.9) <= SECOND_READER[name]


def test_all_real_odd_files_but_the_broken_one_are_read() -> None:
    refused = {}
    for path in sorted(shared("data/odd_tiffs").iterdir()):
        try:
            found = read(path)
        except DecodeError as error:
            refused[path.name] = str(error)
            continue
        assert found.pixels.dtype == np.uint8
        assert found.pixels.shape == (*read_header(path).shape, 3)
    assert list(refused) == ["rio_corrupt.tif"]


def test_an_old_lzw_holds_a_picture() -> None:
    """Pillow cannot read it; imagecodecs can: 384 x 512, smooth where the picture is smooth."""
    pixels = read(shared("data/odd_tiffs") / "it_quad-lzw-compat.tiff").pixels.astype(int)
    assert np.abs(np.diff(pixels, axis=1)).mean() < 0.2 * pixels.std()
