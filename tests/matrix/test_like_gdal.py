"""Odd files that people have reported, drawn again in many kinds: they are read as GDAL reads them."""

from __future__ import annotations

import tracemalloc
from itertools import permutations, product
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
import rasterio
import tifffile
from PIL import Image
from rasterio.enums import ColorInterp

from infer.plan.scenes import find_scenes
from infer.read.decoder import Decoder, Outcome
from infer.read.rgb import HIGH, LOW
from tests.helpers.support import SHARED
from tests.matrix.picture import HOLE, PICTURE
from tests.matrix.raw import ASCII, BYTE, LONG, SBYTE, SHORT, SLONG, SSHORT, by_gdal, raw

H, W = PICTURE.shape[:2]
GREY = np.ascontiguousarray(PICTURE[..., 0])
RGBA = np.dstack([PICTURE, np.where(HOLE, 0, 255).astype(np.uint8)])
LZW, JPEG, DEFLATE, PACKBITS, LERC, LZMA, ZSTD, WEBP = 5, 7, 8, 32773, 34887, 34925, 50000, 50001
ENCODERS = {
    1: bytes,
    LZW: imagecodecs.lzw_encode,
    DEFLATE: imagecodecs.zlib_encode,
    PACKBITS: imagecodecs.packbits_encode,
    LZMA: imagecodecs.lzma_encode,
    ZSTD: imagecodecs.zstd_encode,
}


def decode(folder: Path) -> Outcome:
    (outcome,) = Decoder(False, 1, print, lambda _: None).decode(find_scenes(folder))
    return outcome


def assert_like_gdal(folder: Path, tolerance: int = 0) -> Outcome:
    outcome = decode(folder)
    assert outcome.error is None
    (path,) = folder.glob("*.tif")
    pixels, valid = by_gdal(path)
    np.testing.assert_array_equal(
        np.ones(valid.shape, bool) if outcome.valid is None else outcome.valid, valid
    )
    if pixels.dtype != np.uint8:
        wide = pixels.astype(np.float64)
        low, high = np.percentile(wide[valid], (LOW, HIGH))
        pixels, tolerance = np.rint(np.clip((np.nan_to_num(wide) - low) * 255 / (high - low), 0, 255)), 1
    assert np.abs(outcome.pixels.astype(float) - pixels)[valid].max() <= tolerance
    return outcome


def everywhere(outcome: Outcome) -> np.ndarray:
    """bool [H, W]: where the outcome has data."""
    return np.ones(outcome.pixels.shape[:2], bool) if outcome.valid is None else outcome.valid


def strips(image: np.ndarray, rows: int = 7, codec: int = 1) -> list[bytes]:
    return [ENCODERS[codec](image[row : row + rows].tobytes()) for row in range(0, len(image), rows)]


# The files that were reported, one by one: refused by the reason given, or read as GDAL reads them.
REFUSED = {
    "11_": "a LERC of 40000x40000",
    "11b": "WebP blob dimension",
    "11c": "a JPEG XL of 8000x8000",
    "16_": "Predictor",
}
REPORTED = SHARED / "data" / "reported_tiffs"
FILES = sorted(REPORTED.glob("*.tif"))


@pytest.mark.parametrize("name", [path.name for path in FILES])
def test_reported_files(name: str, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to(REPORTED / name)
    reason = next((text for start, text in REFUSED.items() if name.startswith(start)), None)
    if reason:
        assert reason in (decode(tmp_path).error or "")
    elif not name.startswith("12_"):  # too large to be compared here: see test_wide_memory
        assert_like_gdal(tmp_path)


def _units(image: np.ndarray, across: int, down: int) -> bytes:
    """YCbCr samples of `image` in units of across x down pixels (TIFF 6.0, section 21)."""
    height, width = image.shape[:2]
    edges = ((0, -height % down), (0, -width % across), (0, 0))
    whole = np.pad(image, edges, "edge")
    rows, columns = whole.shape[0] // down, whole.shape[1] // across
    blocks = whole.reshape(rows, down, columns, across, 3).swapaxes(1, 2)  # [rows, columns, down, across, 3]
    luma = blocks[..., 0].reshape(rows, columns, -1)
    chroma = blocks[:, :, 0, 0, 1:]
    return np.concatenate([luma, chroma], axis=2).tobytes()


@pytest.mark.parametrize("codec", [1, LZW, DEFLATE, PACKBITS, LZMA, ZSTD])
@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2), (4, 1), (4, 2), (4, 4), (1, 2)], ids=str)
@pytest.mark.parametrize("tiled", [False, True])
def test_ycbcr(codec: int, subsampling: tuple[int, int], tiled: bool, tmp_path: Path) -> None:
    across, down = subsampling
    tags = {259: (SHORT, [codec]), 262: (SHORT, [6]), 530: (SHORT, subsampling)}
    if tiled:
        whole = np.pad(PICTURE, ((0, 64 - H), (0, 96 - W), (0, 0)), "edge")
        cut = [whole[y : y + 32, x : x + 48] for y in (0, 32) for x in (0, 48)]
        tags |= {322: (SHORT, [48]), 323: (SHORT, [32])}
    else:
        cut = [PICTURE[row : row + 16] for row in range(0, H, 16)]
        tags[278] = (SHORT, [16])
    parts = [ENCODERS[codec](_units(part, across, down)) for part in cut]
    raw(tmp_path / "x.tif", (H, W, 3), parts, tags)
    colours = np.repeat(np.repeat(PICTURE[::down, ::across], down, 0), across, 1)[:H, :W, 1:] - 128.0
    blue, red = np.moveaxis(colours, -1, 0)
    y = PICTURE[..., 0].astype(float)
    expected = np.stack([y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue], axis=-1)
    outcome = decode(tmp_path)
    assert np.abs(outcome.pixels - np.clip(expected, 0, 255)).max() < 0.51
    if subsampling != (4, 4) and not (tiled and codec == 1):  # which GDAL mixes up, and cannot read
        assert_like_gdal(tmp_path)


def test_ycbcr_with_another_white_and_other_weights(tmp_path: Path) -> None:
    rational = 5
    form = {259: (SHORT, [1]), 262: (SHORT, [6]), 530: (SHORT, [1, 1])}
    raw(tmp_path / "x.tif", (H, W, 3), [PICTURE.tobytes()], form)
    before = assert_like_gdal(tmp_path).pixels
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        black_and_white = [16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1]
        extra = [
            (532, rational, 6, black_and_white, True),
            (529, rational, 3, [2126, 10000, 7152, 10000, 722, 10000], True),
        ]
        writer.write(PICTURE, photometric="ycbcr", subsampling=(1, 1), metadata=None, extratags=extra)
    after = assert_like_gdal(tmp_path).pixels
    assert np.abs(before.astype(int) - after).max() > 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_ycbcr_is_turned_as_rgb_is(orientation: int, tmp_path: Path) -> None:
    form = {262: (SHORT, [6]), 530: (SHORT, [1, 1])}
    for name, tags in (("plain", {}), ("turned", {274: (SHORT, [orientation])})):
        (tmp_path / name).mkdir()
        raw(tmp_path / name / "x.tif", (H, W, 3), [PICTURE.tobytes()], {**form, **tags})
    plain, turned = decode(tmp_path / "plain").pixels, decode(tmp_path / "turned").pixels
    steps = {1: plain, 2: plain[:, ::-1], 3: plain[::-1, ::-1], 4: plain[::-1], 5: plain.swapaxes(0, 1),
             6: np.rot90(plain, -1), 7: plain[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(plain)}  # fmt: skip
    np.testing.assert_array_equal(turned, steps[orientation])


@pytest.mark.parametrize("codec", [LZW, DEFLATE, ZSTD, 1])
def test_ycbcr_that_is_cut_short_is_refused(codec: int, tmp_path: Path) -> None:
    """libtiff's RGBA reader would fill it up."""
    part = _units(PICTURE, 2, 2)
    parts = [ENCODERS[codec](part[: len(part) // 2])]
    raw(
        tmp_path / "x.tif", (H, W, 3), parts, {259: (SHORT, [codec]), 262: (SHORT, [6]), 530: (SHORT, [2, 2])}
    )
    assert decode(tmp_path).error


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_jpegs_in_planes(bands: int, tiled: bool, tmp_path: Path) -> None:
    options = {"tile": (32, 48)} if tiled else {"rowsperstrip": 16}
    planes = np.moveaxis(RGBA[..., :bands], -1, 0)
    photometric = "rgb" if bands >= 3 else "minisblack"
    form = {"planarconfig": "separate"} if bands > 1 else {}
    extra = {"extrasamples": ["unassalpha"]} if bands in (2, 4) else {}
    tifffile.imwrite(
        tmp_path / "x.tif", planes if bands > 1 else planes[0], photometric=photometric, compression="jpeg",
        metadata=None, **options, **form, **extra,
    )  # fmt: skip
    assert_like_gdal(tmp_path)


@pytest.mark.parametrize("codec", [1, PACKBITS, LERC, WEBP, JPEG])
def test_a_predictor_of_a_codec_that_has_none_is_ignored(codec: int, tmp_path: Path) -> None:
    parts = {
        LERC: [imagecodecs.lerc_encode(PICTURE)],
        WEBP: [imagecodecs.webp_encode(PICTURE, lossless=True)],
        JPEG: [imagecodecs.jpeg8_encode(PICTURE, colorspace="rgb", outcolorspace="rgb", level=95)],
    }.get(codec) or strips(PICTURE, codec=codec)
    raw(
        tmp_path / "x.tif",
        (H, W, 3),
        parts,
        {259: (SHORT, [codec]), 317: (SHORT, [2]), 278: (LONG, [7 if len(parts) > 1 else H])},
    )
    outcome = assert_like_gdal(tmp_path)
    if codec != JPEG:
        np.testing.assert_array_equal(outcome.pixels, PICTURE)


@pytest.mark.parametrize("codec", [1, PACKBITS])
def test_so_it_is_in_cmyk(codec: int, tmp_path: Path) -> None:
    cmyk = np.dstack([PICTURE, GREY // 2])
    for name, tags in (("plain", {}), ("predicted", {317: (SHORT, [2])})):
        (tmp_path / name).mkdir()
        form = {259: (SHORT, [codec]), 262: (SHORT, [5]), 278: (LONG, [7]), **tags}
        raw(tmp_path / name / "x.tif", (H, W, 4), strips(cmyk, codec=codec), form)
    plain, predicted = decode(tmp_path / "plain"), decode(tmp_path / "predicted")
    np.testing.assert_array_equal(plain.pixels, predicted.pixels)


@pytest.mark.parametrize("codec", [LZW, DEFLATE, ZSTD])
@pytest.mark.parametrize("photometric", [1, 2, 5])
def test_a_predictor_for_floats_on_whole_numbers_is_refused(
    codec: int, photometric: int, tmp_path: Path
) -> None:
    samples = {1: 1, 2: 3, 5: 4}[photometric]
    image = np.dstack([GREY] * samples)
    tags = {259: (SHORT, [codec]), 262: (SHORT, [photometric]), 317: (SHORT, [3]), 278: (LONG, [7])}
    raw(tmp_path / "x.tif", (H, W, samples), strips(image, codec=codec), tags)
    assert "redictor" in (decode(tmp_path).error or "")


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_without_a_photometric_samples_are_as_stored(samples: int, tmp_path: Path) -> None:
    raw(tmp_path / "x.tif", (H, W, samples), strips(RGBA[..., :samples]), {262: None, 278: (LONG, [7])})
    outcome = assert_like_gdal(tmp_path)
    expected = PICTURE if samples >= 3 else np.dstack([GREY] * 3)
    np.testing.assert_array_equal(outcome.pixels, expected)


@pytest.mark.parametrize(
    "missing", [259, 278, 284], ids=["Compression", "RowsPerStrip", "PlanarConfiguration"]
)
def test_other_tags_that_are_missing_stand_for_their_defaults(missing: int, tmp_path: Path) -> None:
    raw(tmp_path / "x.tif", (H, W, 3), [PICTURE.tobytes()], {missing: None})
    np.testing.assert_array_equal(assert_like_gdal(tmp_path).pixels, PICTURE)


@pytest.mark.parametrize("kind", [BYTE, SHORT, LONG, SBYTE, SSHORT, SLONG])
def test_sizes_of_any_whole_type(kind: int, tmp_path: Path) -> None:
    raw(
        tmp_path / "x.tif", (H, W, 3), strips(PICTURE), {256: (kind, [W]), 257: (kind, [H]), 278: (LONG, [7])}
    )
    np.testing.assert_array_equal(decode(tmp_path).pixels, PICTURE)


def test_sizes_below_zero_are_refused(tmp_path: Path) -> None:
    raw(tmp_path / "x.tif", (H, W, 3), strips(PICTURE), {256: (SLONG, [-W]), 257: (SLONG, [-H])})
    (scene,) = find_scenes(tmp_path)
    assert "claims" in (scene.error or "")


@pytest.mark.parametrize("codec", [1, LZW, DEFLATE, PACKBITS, LZMA, ZSTD])
@pytest.mark.parametrize("layout", ["strip", "strips", "tiles"])
def test_without_counts_of_bytes(codec: int, layout: str, tmp_path: Path) -> None:
    if layout == "tiles":
        whole = np.pad(PICTURE, ((0, 64 - H), (0, 96 - W), (0, 0)), "edge")
        cut = [whole[y : y + 32, x : x + 48] for y in (0, 32) for x in (0, 48)]
        parts = [ENCODERS[codec](part.tobytes()) for part in cut]
        tags = {322: (SHORT, [48]), 323: (SHORT, [32]), 325: None}
    else:
        parts = strips(PICTURE, 7 if layout == "strips" else H, codec)
        tags = {278: (LONG, [7 if layout == "strips" else H]), 279: None}
    raw(tmp_path / "x.tif", (H, W, 3), parts, {259: (SHORT, [codec]), **tags})
    outcome = decode(tmp_path)
    if outcome.error and codec in (PACKBITS, LZMA, ZSTD):  # whose decoders want to know where their data end
        assert "Error" in outcome.error or "libtiff" in outcome.error
        return
    assert outcome.error is None
    np.testing.assert_array_equal(outcome.pixels, PICTURE)


EXTRA = [
    ([2], 3),
    ([1], 3),
    ([0, 2], 3),
    ([2, 2], 3),
    ([0, 0, 2], 3),
    ([0], None),
    ([0, 0], None),
    ([], None),
]


@pytest.mark.parametrize(("extra", "alpha"), EXTRA, ids=str)
def test_extra_samples_of_any_number(extra: list[int], alpha: int | None, tmp_path: Path) -> None:
    raw(
        tmp_path / "x.tif",
        (H, W, 4),
        strips(RGBA),
        {338: (SHORT, extra) if extra else None, 278: (LONG, [7])},
    )
    outcome = decode(tmp_path)
    np.testing.assert_array_equal(outcome.pixels, PICTURE)
    assert (outcome.valid is None) == (alpha is None)
    if alpha is not None:
        np.testing.assert_array_equal(outcome.valid, ~HOLE)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("order", list(permutations(("red", "green", "blue", "alpha"))), ids="-".join)
def test_bands_are_taken_by_their_declared_roles(order: tuple[str, ...], dtype: str, tmp_path: Path) -> None:
    bands = dict(zip(("red", "green", "blue", "alpha"), np.moveaxis(RGBA, -1, 0).astype(dtype), strict=True))
    form = {"height": H, "width": W, "count": 4, "dtype": dtype, "photometric": "MINISBLACK"}
    with rasterio.open(tmp_path / "x.tif", "w", driver="GTiff", **form) as dataset:
        dataset.colorinterp = [ColorInterp[role] for role in order]
        dataset.write(np.stack([bands[role] for role in order]))
    outcome = assert_like_gdal(tmp_path)
    np.testing.assert_array_equal(outcome.valid, ~HOLE)
    if dtype == "uint8":
        np.testing.assert_array_equal(outcome.pixels[~HOLE], PICTURE[~HOLE])


ITEM = '<Item name="COLORINTERP" sample="{}" role="colorinterp">{}</Item>'
ROLES = {
    "red, green and blue last": (["NIR", "Red", "Green", "Blue"], (1, 2, 3), None),
    "in another order": (["Undefined", "Blue", "Green", "Red"], (3, 2, 1), None),
    "grey in the second band": (["Undefined", "Gray", "Undefined", "Alpha"], (1, 1, 1), 3),
    "alpha alone": (["Undefined", "Alpha", "Undefined", "Undefined"], (0, 2, 3), 1),
    "none that is known": (["Pan", "Coastal", "NIR", "SWIR"], (0, 1, 2), None),
}


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize(("roles", "colours", "alpha"), ROLES.values(), ids=ROLES)
def test_roles_that_are_partly_declared(
    roles: list[str], colours: tuple[int, ...], alpha: int | None, quote: str, tmp_path: Path
) -> None:
    items = "".join(ITEM.format(band, role) for band, role in enumerate(roles)).replace('"', quote)
    metadata = f"<GDALMetadata><Item name='other' sample='1'>x</Item>{items}</GDALMetadata>".encode() + b"\0"
    tags = {262: (SHORT, [1]), 338: (SHORT, [0, 0, 0]), 278: (LONG, [7]), 42112: (ASCII, metadata)}
    raw(tmp_path / "x.tif", (H, W, 4), strips(RGBA), tags)
    outcome = decode(tmp_path)
    np.testing.assert_array_equal(outcome.pixels, RGBA[..., list(colours)])
    if alpha is None:
        assert outcome.valid is None
    else:
        np.testing.assert_array_equal(everywhere(outcome), RGBA[..., alpha] != 0)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 7), (3, 40), (30, 0)])
def test_a_mask_is_found_wherever_it_stands(before: int, after: int, tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        for _ in range(before):  # thumbnails
            writer.write(PICTURE[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
        writer.write(PICTURE, photometric="rgb", metadata=None)
        for _ in range(after):
            writer.write(PICTURE[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
        writer.write(~HOLE[::2, ::2], photometric="mask", subfiletype=5, metadata=None)  # of a smaller copy
        writer.write(~HOLE, photometric="mask", subfiletype=4, metadata=None)
    outcome = decode(tmp_path)
    np.testing.assert_array_equal(outcome.pixels, PICTURE)
    np.testing.assert_array_equal(outcome.valid, ~HOLE)


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "lerc"])
@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("layout", [{"rowsperstrip": 7}, {"tile": (16, 32)}], ids=str)
@pytest.mark.parametrize("planar", [False, True])
def test_parts_that_were_never_written(
    compression: str | None, predictor: bool, layout: dict, planar: bool, tmp_path: Path
) -> None:
    if predictor and compression not in ("lzw", "deflate"):
        pytest.skip("no predictor")
    image = np.moveaxis(PICTURE, -1, 0) if planar else PICTURE
    form = {"photometric": "rgb", "planarconfig": "separate" if planar else "contig", "metadata": None}
    tifffile.imwrite(
        tmp_path / "x.tif", image, compression=compression, predictor=predictor or None, **layout, **form
    )
    with tifffile.TiffFile(tmp_path / "x.tif", mode="r+b") as file:
        page = file.pages.first
        kind = "Tile" if page.is_tiled else "Strip"
        for name in (f"{kind}Offsets", f"{kind}ByteCounts"):
            tag = page.tags[name]
            tag.overwrite([0 if index in (0, 3) else value for index, value in enumerate(tag.value)])
        rows, columns = page.chunks[-3:-1] if not planar else page.chunks[-2:]
    there = np.ones((H, W), bool)
    for index in (0, 3):
        row, column = divmod(index, -(-W // columns))
        there[row * rows : (row + 1) * rows, column * columns : (column + 1) * columns] = False
    outcome = decode(tmp_path)
    assert outcome.error is None
    np.testing.assert_array_equal(outcome.valid, there)
    np.testing.assert_array_equal(outcome.pixels[there], PICTURE[there])


def lerc_with_mask(image: np.ndarray, mask: np.ndarray) -> bytes:
    return bytes(imagecodecs.lerc_encode(image, masks=mask))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("bands", [1, 3])
def test_a_lerc_stream_says_which_of_its_pixels_are_valid(dtype: str, bands: int, tmp_path: Path) -> None:
    image = PICTURE[..., :bands].squeeze().astype(dtype) * (1 if dtype == "uint8" else 90)
    bits, form = np.dtype(dtype).itemsize * 8, 3 if dtype == "float32" else 1
    tags = {
        259: (SHORT, [LERC]),
        258: (SHORT, [bits] * bands),
        339: (SHORT, [form] * bands),
        50674: (LONG, [4, 0]),
    }
    raw(tmp_path / "x.tif", (H, W, bands), [lerc_with_mask(image, ~HOLE)], tags)
    outcome = decode(tmp_path)
    assert outcome.error is None
    np.testing.assert_array_equal(outcome.valid, ~HOLE)
    if dtype == "uint8":
        np.testing.assert_array_equal(
            outcome.pixels[~HOLE], np.dstack([image] * 3 if bands == 1 else [image])[~HOLE]
        )


BOMB = np.zeros((4000, 4000), np.uint8)
BOMBS = {
    "PNG": (34933, imagecodecs.png_encode),
    "JPEG 2000": (34712, imagecodecs.jpeg2k_encode),
    "JPEG 2000 in JP2": (34712, lambda image: imagecodecs.jpeg2k_encode(image, codecformat="jp2")),
    "JPEG XL": (50002, imagecodecs.jpegxl_encode),
    "JPEG XL in boxes": (50002, lambda image: imagecodecs.jpegxl_encode(image, usecontainer=True)),
    "JPEG XR": (34934, imagecodecs.jpegxr_encode),
    "JPEG": (JPEG, imagecodecs.jpeg8_encode),
    "WebP with loss": (WEBP, lambda image: imagecodecs.webp_encode(np.dstack([image] * 3), level=80)),
    "WebP with alpha": (WEBP, lambda image: imagecodecs.webp_encode(np.dstack([image] * 4), level=80)),
    "WebP": (WEBP, lambda image: imagecodecs.webp_encode(np.dstack([image] * 3), lossless=True)),
    "LERC": (LERC, imagecodecs.lerc_encode),
    "LERC in Deflate": (LERC, lambda image: imagecodecs.lerc_encode(image, compression="deflate")),
    "LERC in ZSTD": (LERC, lambda image: imagecodecs.lerc_encode(image, compression="zstd")),
}


def assert_refused_in_little_memory(folder: Path) -> None:
    """NumPy's arrays are what tracemalloc sees: decoded, a bomb takes 16 MB."""
    tracemalloc.start()
    try:
        error = decode(folder).error or ""
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "4000" in error, error
    assert peak < 4e6


# How a bomb may come to a decoder: as the page says it, or by tags that send it another way.
WAYS_IN = {
    "plain": {},
    "as CMYK": {262: (SHORT, [5])},
    "as YCbCr": {262: (SHORT, [6])},
    "of twelve bits": {258: (SHORT, [12])},
    "without counts": {279: None},
}


@pytest.mark.parametrize("way_in", WAYS_IN.values(), ids=WAYS_IN)
@pytest.mark.parametrize(("codec", "encode"), BOMBS.values(), ids=BOMBS)
def test_a_stream_larger_than_its_image_is_refused_before_it_is_decoded(
    codec: int, encode, way_in: dict, tmp_path: Path
) -> None:
    samples = (
        4 if way_in == WAYS_IN["as CMYK"] else 3 if codec == WEBP or way_in == WAYS_IN["as YCbCr"] else 1
    )
    tags = {259: (SHORT, [codec]), 50674: (LONG, [4, 0])}
    raw(tmp_path / "x.tif", (64, 64, samples), [bytes(encode(BOMB))], {**tags, **way_in})
    if way_in:  # some are refused for their tags before their size is looked at
        tracemalloc.start()
        assert decode(tmp_path).error
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4e6
    else:
        assert_refused_in_little_memory(tmp_path)


def test_nor_is_one_in_a_mask(tmp_path: Path) -> None:
    stream = bytes(imagecodecs.lerc_encode(BOMB))
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        writer.write(PICTURE[:48, :64], photometric="rgb", metadata=None)
        form = {"shape": (48, 64), "dtype": np.uint8, "compression": "lerc", "rowsperstrip": 48}
        writer.write(iter([stream]), subfiletype=1, photometric="minisblack", metadata=None, **form)
    with tifffile.TiffFile(tmp_path / "x.tif", mode="r+b") as file:
        file.pages[1].tags["NewSubfileType"].overwrite(4)
    assert_refused_in_little_memory(tmp_path)


@pytest.mark.parametrize("codec", [34933, 34712, 50002, 34934, JPEG, WEBP])
@pytest.mark.parametrize("missing", ["a row", "a column"])
def test_a_stream_smaller_than_its_image_is_refused(codec: int, missing: str, tmp_path: Path) -> None:
    encode = dict(BOMBS.values())[codec]
    small = GREY[:-1] if missing == "a row" else GREY[:, :-1]
    form = {259: (SHORT, [codec]), 262: (SHORT, [6 if codec == WEBP else 1])}
    samples = 3 if codec == WEBP else 1
    raw(tmp_path / "x.tif", (H, W, samples), [bytes(encode(np.ascontiguousarray(small)))], form)
    assert f"{small.shape[1]}x{small.shape[0]} pixels for {W}x{H}" in (decode(tmp_path).error or "")


@pytest.mark.parametrize(("height", "width"), product((1, 7, 255, 256, 300), (1, 64, 257, 1000)))
def test_sizes_of_streams_are_those_of_their_encoders(height: int, width: int) -> None:
    from infer.read.tiff.streams import _CODECS

    image = np.resize(GREY, (height, width))
    for codec, encode in BOMBS.values():
        if codec not in _CODECS or (height, width) == (1, 1):
            continue
        size = _CODECS[codec][1](bytes(encode(image)))
        assert (size.height, size.width) == (height, width)


def test_an_animation_is_refused(tmp_path: Path) -> None:
    frames = np.stack([PICTURE] * 50)
    raw(
        tmp_path / "x.tif",
        (H, W, 3),
        [bytes(imagecodecs.jpegxl_encode(frames, photometric="rgb"))],
        {259: (SHORT, [50002])},
    )
    assert decode(tmp_path).error == "a JPEG XL animation"


NIR = np.roll(GREY, 9, axis=0)
FEWER_EXTRA = [(2, 5, [2]), (2, 6, [2, 0]), (2, 6, [0, 2]), (2, 5, [999]), (1, 4, [2]), (1, 3, [0, 2]),
               (1, 2, [2]), (3, 3, [2]), (2, 4, [999]), (2, 4, [1])]  # fmt: skip


@pytest.mark.parametrize(("photometric", "samples", "extra"), FEWER_EXTRA, ids=str)
def test_extra_samples_stand_behind_the_colours(
    photometric: int, samples: int, extra: list[int], tmp_path: Path
) -> None:
    """However many are listed: the others are of no stated kind."""
    bands = np.dstack([PICTURE, RGBA[..., 3], NIR, RGBA[..., 3]])
    bands = bands[..., {1: [0, 3, 4, 5], 3: [0, 3, 4]}.get(photometric, list(range(6)))][..., :samples]
    tags = {262: (SHORT, [photometric]), 338: (SHORT, extra), 278: (LONG, [7])}
    if photometric == 3:
        tags[320] = (SHORT, [257 * (value % 256) for value in range(768)])
    raw(tmp_path / "x.tif", (H, W, samples), strips(bands), tags)
    with rasterio.open(tmp_path / "x.tif") as dataset:
        roles = [role.name for role in dataset.colorinterp]
    valid = bands[..., roles.index("alpha")] != 0 if "alpha" in roles else np.ones((H, W), bool)
    np.testing.assert_array_equal(everywhere(decode(tmp_path)), valid)


@pytest.mark.parametrize("declared", [None, "Alpha", "Undefined"])
@pytest.mark.parametrize("extra", [0, 2])
def test_a_palette_may_have_alpha(declared: str | None, extra: int, tmp_path: Path) -> None:
    colours = [257 * (value * 7 % 256) for value in range(768)]
    tags = {262: (SHORT, [3]), 338: (SHORT, [extra]), 320: (SHORT, colours), 278: (LONG, [7])}
    if declared:
        tags[42112] = (ASCII, f"<GDALMetadata>{ITEM.format(1, declared)}</GDALMetadata>".encode() + b"\0")
    raw(tmp_path / "x.tif", (H, W, 2), strips(np.dstack([GREY, RGBA[..., 3]])), tags)
    with rasterio.open(tmp_path / "x.tif") as dataset:
        is_alpha = dataset.colorinterp[1] == ColorInterp.alpha
    outcome = decode(tmp_path)
    np.testing.assert_array_equal(everywhere(outcome), ~HOLE if is_alpha else np.ones((H, W), bool))
    palette = np.array(colours).reshape(3, 256) // 257
    np.testing.assert_array_equal(outcome.pixels, palette.T[GREY])


def test_without_a_photometric_a_colour_map_makes_a_palette(tmp_path: Path) -> None:
    colours = [257 * (value * 7 % 256) for value in range(768)]
    raw(tmp_path / "x.tif", (H, W, 1), strips(GREY), {262: None, 320: (SHORT, colours), 278: (LONG, [7])})
    palette = np.array(colours).reshape(3, 256) // 257
    np.testing.assert_array_equal(decode(tmp_path).pixels, palette.T[GREY])


TEXTS = [
    "7",
    " 7 ",
    "7.0",
    "7.4",
    "7abc",
    "7 8",
    "1e1",
    "0,5",
    "abc",
    "0x7",
    "nan",
    "-nan",
    "",
    "-1",
    "256",
    "1e400",
]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("text", TEXTS)
def test_nodata_is_read_as_gdal_reads_its_text(text: str, dtype: str, tmp_path: Path) -> None:
    values = (np.arange(H * W).reshape(H, W) % 23).astype(dtype)
    tifffile.imwrite(tmp_path / "x.tif", values, metadata=None, extratags=[(42113, "s", 0, text, True)])
    with rasterio.open(tmp_path / "x.tif") as dataset:
        valid = dataset.dataset_mask() != 0
    np.testing.assert_array_equal(everywhere(decode(tmp_path)), valid)


@pytest.mark.parametrize(
    "text", ["-3.40282e+38", "-3.402823e+38", "-3.4028234663852886e+38", "-9999.001", "-9999"]
)
def test_nodata_of_floats_may_be_rounded(text: str, tmp_path: Path) -> None:
    values = PICTURE.astype(np.float32)
    values[HOLE] = np.finfo(np.float32).min if "e+38" in text else -9999
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="rgb", metadata=None,
                     extratags=[(42113, "s", 0, text, True)])  # fmt: skip
    assert_like_gdal(tmp_path)


@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("photometric", ["MINISBLACK", "RGB", "YCBCR"])
@pytest.mark.parametrize("tiled", [False, True])
def test_jpegs_have_the_colours_that_the_page_says(
    photometric: str, interleave: str, tiled: bool, tmp_path: Path
) -> None:
    if photometric == "YCBCR" and interleave == "band":
        pytest.skip("not written")
    smooth = np.moveaxis(cv2.resize(PICTURE, (128, 96), interpolation=cv2.INTER_CUBIC), -1, 0)
    size = {"height": 96, "width": 128, "count": 3, "dtype": "uint8", "tiled": tiled}
    size |= {"blockxsize": 64, "blockysize": 48} if tiled else {"blockysize": 16}
    form = {"compress": "JPEG", "photometric": photometric, "interleave": interleave, "jpeg_quality": 95}
    with rasterio.open(tmp_path / "x.tif", "w", driver="GTiff", **size, **form) as dataset:
        dataset.write(smooth)
    outcome = decode(tmp_path)
    difference = np.abs(outcome.pixels.astype(int) - by_gdal(tmp_path / "x.tif")[0])
    # Where chroma is subsampled, libjpeg's ways of making it large again differ at edges of colour.
    assert difference.mean() < (4 if photometric == "YCBCR" else 0.01)


@pytest.mark.parametrize("counts", ["huge", "one too many", "one too few", "ones"])
@pytest.mark.parametrize("samples", [1, 3, 4])
def test_wrong_counts_of_uncompressed_strips(counts: str, samples: int, tmp_path: Path) -> None:
    parts = strips(RGBA[..., :samples])
    right = [len(part) for part in parts]
    wrong = {"huge": [2**31 - 1] * len(right), "one too many": [n + 1 for n in right],
             "one too few": [n - 1 for n in right], "ones": [1] * len(right)}[counts]  # fmt: skip
    raw(tmp_path / "x.tif", (H, W, samples), parts, {278: (LONG, [7]), 279: (LONG, wrong)})
    np.testing.assert_array_equal(decode(tmp_path).pixels, PICTURE if samples > 1 else np.dstack([GREY] * 3))


@pytest.mark.parametrize("codec", [LERC, WEBP])
def test_ycbcr_in_codecs_that_leave_it_as_it_is(codec: int, tmp_path: Path) -> None:
    stream = (
        imagecodecs.lerc_encode(PICTURE) if codec == LERC else imagecodecs.webp_encode(PICTURE, lossless=True)
    )
    tags = {259: (SHORT, [codec]), 262: (SHORT, [6]), 530: (SHORT, [1, 1]), 50674: (LONG, [4, 0])}
    raw(tmp_path / "x.tif", (H, W, 3), [bytes(stream)], tags)
    assert_like_gdal(tmp_path)


ODD_ITEMS = {
    "a role of another kind": ITEM.replace("colorinterp", "description"),
    "in a comment": f"<!-- {ITEM} -->",
    "with blanks": ITEM.replace("{}</", " {} </"),
}


@pytest.mark.parametrize("item", ODD_ITEMS.values(), ids=ODD_ITEMS)
def test_what_declares_no_role(item: str, tmp_path: Path) -> None:
    items = "".join(item.format(band, role) for band, role in enumerate(("Blue", "Green", "Red")))
    metadata = f"<GDALMetadata>{items}</GDALMetadata>".encode() + b"\0"
    raw(tmp_path / "x.tif", (H, W, 3), strips(PICTURE), {42112: (ASCII, metadata), 278: (LONG, [7])})
    np.testing.assert_array_equal(assert_like_gdal(tmp_path).pixels, PICTURE)


def test_a_mask_of_which_nothing_was_written_hides_all(tmp_path: Path) -> None:
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        form = {
            "height": H,
            "width": W,
            "count": 3,
            "dtype": "uint8",
            "photometric": "RGB",
            "sparse_ok": True,
        }
        with rasterio.open(tmp_path / "x.tif", "w", driver="GTiff", **form) as dataset:
            dataset.write(np.moveaxis(PICTURE, -1, 0))
            dataset.write_mask(np.zeros((H, W), bool))
    outcome = decode(tmp_path)
    assert outcome.error is None
    assert not everywhere(outcome).any()


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_damaged_pictures_print_nothing_by_themselves(
    form: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(PICTURE).save(tmp_path / "whole", form)
    content = (tmp_path / "whole").read_bytes()
    for number in range(40):
        damaged = bytearray(content[: len(content) - number * 40])
        damaged[(200 + 31 * number) % len(damaged)] ^= 1 << number % 8
        (tmp_path / "x.tif").write_bytes(damaged)
        if not find_scenes(tmp_path)[0].error:
            decode(tmp_path)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
