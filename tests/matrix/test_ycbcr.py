"""YCbCr in every codec, and JPEG: the colours are those that GDAL reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
import rasterio
import tifffile

from tests.matrix.like_gdal import (
    DEFLATE,
    ENCODERS,
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
)
from tests.matrix.picture import PICTURE
from tests.matrix.raw import LONG, SHORT, by_gdal, raw


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
    assert np.abs(pixels_of(outcome) - np.clip(expected, 0, 255)).max() < 0.51
    if subsampling != (4, 4) and not (tiled and codec == 1):  # which GDAL mixes up, and cannot read
        assert_like_gdal(tmp_path)


def test_ycbcr_with_another_white_and_other_weights(tmp_path: Path) -> None:
    rational = 5
    form = {259: (SHORT, [1]), 262: (SHORT, [6]), 530: (SHORT, [1, 1])}
    raw(tmp_path / "x.tif", (H, W, 3), [PICTURE.tobytes()], form)
    before = pixels_of(assert_like_gdal(tmp_path))
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        black_and_white = [16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1]
        extra = [
            (532, rational, 6, black_and_white, True),
            (529, rational, 3, [2126, 10000, 7152, 10000, 722, 10000], True),
        ]
        writer.write(PICTURE, photometric="ycbcr", subsampling=(1, 1), metadata=None, extratags=extra)
    after = pixels_of(assert_like_gdal(tmp_path))
    assert np.abs(before.astype(int) - after).max() > 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_ycbcr_is_turned_as_rgb_is(orientation: int, tmp_path: Path) -> None:
    form = {262: (SHORT, [6]), 530: (SHORT, [1, 1])}
    for name, tags in (("plain", {}), ("turned", {274: (SHORT, [orientation])})):
        (tmp_path / name).mkdir()
        raw(tmp_path / name / "x.tif", (H, W, 3), [PICTURE.tobytes()], {**form, **tags})
    plain, turned = pixels_of(decode(tmp_path / "plain")), pixels_of(decode(tmp_path / "turned"))
    steps = {1: plain, 2: plain[:, ::-1], 3: plain[::-1, ::-1], 4: plain[::-1], 5: plain.swapaxes(0, 1),
             6: np.rot90(plain, -1), 7: plain[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(plain)}  # fmt: skip
    np.testing.assert_array_equal(turned, steps[orientation])


@pytest.mark.parametrize("codec", [LZW, DEFLATE, ZSTD, 1])
def test_ycbcr_that_is_cut_short_is_refused(codec: int, tmp_path: Path) -> None:
    """libtiff's RGBA reader would fill it up."""
    part = _units(PICTURE, 2, 2)
    parts = [ENCODERS[codec](part[: len(part) // 2])]
    tags = {259: (SHORT, [codec]), 262: (SHORT, [6]), 530: (SHORT, [2, 2])}
    raw(tmp_path / "x.tif", (H, W, 3), parts, tags)
    assert decode(tmp_path).error


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_jpegs_in_planes(bands: int, tiled: bool, tmp_path: Path) -> None:
    form: dict[str, Any] = {"tile": (32, 48)} if tiled else {"rowsperstrip": 16}
    form |= {"photometric": "rgb" if bands >= 3 else "minisblack", "compression": "jpeg", "metadata": None}
    form |= {"planarconfig": "separate"} if bands > 1 else {}
    form |= {"extrasamples": ["unassalpha"]} if bands in (2, 4) else {}
    planes = np.moveaxis(RGBA[..., :bands], -1, 0)
    tifffile.imwrite(tmp_path / "x.tif", planes if bands > 1 else planes[0], **form)
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
    size: dict[str, Any] = {"height": 96, "width": 128, "count": 3, "dtype": "uint8", "tiled": tiled}
    size |= {"blockxsize": 64, "blockysize": 48} if tiled else {"blockysize": 16}
    form = {"compress": "JPEG", "photometric": photometric, "interleave": interleave, "jpeg_quality": 95}
    with rasterio.open(tmp_path / "x.tif", "w", driver="GTiff", **size, **form) as dataset:
        dataset.write(smooth)
    outcome = decode(tmp_path)
    difference = np.abs(pixels_of(outcome).astype(int) - by_gdal(tmp_path / "x.tif")[0])
    # Where chroma is subsampled, libjpeg's ways of making it large again differ at edges of colour.
    assert difference.mean() < (4 if photometric == "YCBCR" else 0.01)


@pytest.mark.parametrize("codec", [LERC, WEBP])
def test_ycbcr_in_codecs_that_leave_it_as_it_is(codec: int, tmp_path: Path) -> None:
    stream = (
        imagecodecs.lerc_encode(PICTURE) if codec == LERC else imagecodecs.webp_encode(PICTURE, lossless=True)
    )
    tags = {259: (SHORT, [codec]), 262: (SHORT, [6]), 530: (SHORT, [1, 1]), 50674: (LONG, [4, 0])}
    raw(tmp_path / "x.tif", (H, W, 3), [bytes(stream)], tags)
    assert_like_gdal(tmp_path)
