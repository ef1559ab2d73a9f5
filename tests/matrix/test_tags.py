"""Tags that are missing, wrong or of an odd type: predictors, photometrics, sizes, counts."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from infer.plan.scenes import broken, find_scenes
from tests.matrix.like_gdal import (
    DEFLATE,
    ENCODERS,
    GREY,
    JPEG,
    LERC,
    LZMA,
    LZW,
    PACKBITS,
    RGBA,
    WEBP,
    ZSTD,
    H,
    W,
    assert_like_gdal,
    decode,
    pixels_of,
    strips,
)
from tests.matrix.picture import PICTURE
from tests.matrix.raw import BYTE, LONG, SBYTE, SHORT, SLONG, SSHORT, raw


@pytest.mark.parametrize("codec", [1, PACKBITS, LERC, WEBP, JPEG])
def test_a_predictor_of_a_codec_that_has_none_is_ignored(codec: int, tmp_path: Path) -> None:
    streams: dict[int, list[bytes | bytearray]] = {
        LERC: [imagecodecs.lerc_encode(PICTURE)],
        WEBP: [imagecodecs.webp_encode(PICTURE, lossless=True)],
        JPEG: [imagecodecs.jpeg8_encode(PICTURE, colorspace="rgb", outcolorspace="rgb", level=95)],
    }
    parts = streams.get(codec) or strips(PICTURE, codec=codec)
    tags = {259: (SHORT, [codec]), 317: (SHORT, [2]), 278: (LONG, [7 if len(parts) > 1 else H])}
    raw(tmp_path / "x.tif", (H, W, 3), parts, tags)
    outcome = assert_like_gdal(tmp_path)
    if codec != JPEG:
        np.testing.assert_array_equal(pixels_of(outcome), PICTURE)


@pytest.mark.parametrize("codec", [1, PACKBITS])
def test_so_it_is_in_cmyk(codec: int, tmp_path: Path) -> None:
    cmyk = np.dstack([PICTURE, GREY // 2])
    for name, tags in (("plain", {}), ("predicted", {317: (SHORT, [2])})):
        (tmp_path / name).mkdir()
        form = {259: (SHORT, [codec]), 262: (SHORT, [5]), 278: (LONG, [7]), **tags}
        raw(tmp_path / name / "x.tif", (H, W, 4), strips(cmyk, codec=codec), form)
    plain, predicted = decode(tmp_path / "plain"), decode(tmp_path / "predicted")
    np.testing.assert_array_equal(pixels_of(plain), pixels_of(predicted))


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
    np.testing.assert_array_equal(pixels_of(outcome), expected)


@pytest.mark.parametrize(
    "missing", [259, 278, 284], ids=["Compression", "RowsPerStrip", "PlanarConfiguration"]
)
def test_other_tags_that_are_missing_stand_for_their_defaults(missing: int, tmp_path: Path) -> None:
    raw(tmp_path / "x.tif", (H, W, 3), [PICTURE.tobytes()], {missing: None})
    np.testing.assert_array_equal(pixels_of(assert_like_gdal(tmp_path)), PICTURE)


@pytest.mark.parametrize("kind", [BYTE, SHORT, LONG, SBYTE, SSHORT, SLONG])
def test_sizes_of_any_whole_type(kind: int, tmp_path: Path) -> None:
    tags = {256: (kind, [W]), 257: (kind, [H]), 278: (LONG, [7])}
    raw(tmp_path / "x.tif", (H, W, 3), strips(PICTURE), tags)
    outcome = decode(tmp_path, by_rows=kind not in (BYTE, SBYTE))  # which no huge scene has
    np.testing.assert_array_equal(pixels_of(outcome), PICTURE)


def test_sizes_below_zero_are_refused(tmp_path: Path) -> None:
    raw(tmp_path / "x.tif", (H, W, 3), strips(PICTURE), {256: (SLONG, [-W]), 257: (SLONG, [-H])})
    (scene,) = broken(find_scenes(tmp_path))
    assert "claims" in scene.error


@pytest.mark.parametrize("codec", [1, LZW, DEFLATE, PACKBITS, LZMA, ZSTD])
@pytest.mark.parametrize("layout", ["strip", "strips", "tiles"])
def test_without_counts_of_bytes(codec: int, layout: str, tmp_path: Path) -> None:
    if layout == "tiles":
        whole = np.pad(PICTURE, ((0, 64 - H), (0, 96 - W), (0, 0)), "edge")
        cut = [whole[y : y + 32, x : x + 48] for y in (0, 32) for x in (0, 48)]
        parts = [bytes(ENCODERS[codec](part.tobytes())) for part in cut]
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
    np.testing.assert_array_equal(pixels_of(outcome), PICTURE)


@pytest.mark.parametrize("counts", ["huge", "one too many", "one too few", "ones"])
@pytest.mark.parametrize("samples", [1, 3, 4])
def test_wrong_counts_of_uncompressed_strips(counts: str, samples: int, tmp_path: Path) -> None:
    parts = strips(RGBA[..., :samples])
    right = [len(part) for part in parts]
    wrong = {"huge": [2**31 - 1] * len(right), "one too many": [n + 1 for n in right],
             "one too few": [n - 1 for n in right], "ones": [1] * len(right)}[counts]  # fmt: skip
    raw(tmp_path / "x.tif", (H, W, samples), parts, {278: (LONG, [7]), 279: (LONG, wrong)})
    expected = PICTURE if samples > 1 else np.dstack([GREY] * 3)
    np.testing.assert_array_equal(pixels_of(decode(tmp_path)), expected)
