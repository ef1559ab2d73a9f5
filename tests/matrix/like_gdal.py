"""The picture in many forms, and the check that a scene is read as GDAL reads it."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np

from infer.plan.scenes import find_scenes
from infer.read.decoder import Decoder, Outcome
from infer.read.rgb import HIGH, LOW
from tests.matrix.picture import HOLE, PICTURE
from tests.matrix.raw import by_gdal

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
