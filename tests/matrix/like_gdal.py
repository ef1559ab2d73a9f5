"""The picture in many forms, and the check that a scene is read as GDAL reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np

from infer.errors import DecodeError
from infer.plan.by_rows import why_whole
from infer.plan.scenes import Readable, find_scenes, readable
from infer.read.decoder import Decoded, Decoder
from infer.read.rgb import HIGH, LOW
from infer.read.scene_rows import SceneRows
from tests.matrix.picture import HOLE, PICTURE
from tests.matrix.raw import by_gdal

H, W = PICTURE.shape[:2]
GREY = np.ascontiguousarray(PICTURE[..., 0])
RGBA = np.dstack([PICTURE, np.where(HOLE, 0, 255).astype(np.uint8)])
LZW, JPEG, DEFLATE, PACKBITS, LERC, LZMA, ZSTD, WEBP = 5, 7, 8, 32773, 34887, 34925, 50000, 50001
ENCODERS: dict[int, Callable[[bytes], bytes | bytearray]] = {
    1: bytes,
    LZW: imagecodecs.lzw_encode,
    DEFLATE: imagecodecs.zlib_encode,
    PACKBITS: imagecodecs.packbits_encode,
    LZMA: imagecodecs.lzma_encode,
    ZSTD: imagecodecs.zstd_encode,
}


def decode(folder: Path, by_rows: bool = True) -> Decoded:
    """The only scene of a folder, as the job decodes it; by rows it must be the same."""
    scenes = readable(find_scenes(folder))
    (outcome,) = Decoder(False, 1, print, lambda _: None).decode(scenes)
    for scene in scenes:
        if by_rows and why_whole(scene.header) is None:
            assert_same_by_rows(scene, outcome)
    return outcome


def assert_same_by_rows(scene: Readable, whole: Decoded) -> None:
    """A scene that is read by rows has the same pixels, valid places and notes, or an error too."""
    try:
        with SceneRows(scene.path, scene.header, piece=2000) as source:
            rows = list(source)
            notes = source.notes
    except DecodeError:
        rows, notes = [], ()
    assert bool(rows) == (whole.error is None), whole.error
    if not rows:
        return
    np.testing.assert_array_equal(np.concatenate([some.pixels for some in rows]), pixels_of(whole))
    signs = [np.ones(some.pixels.shape[:2], bool) if some.valid is None else some.valid for some in rows]
    np.testing.assert_array_equal(np.concatenate(signs), everywhere(whole))
    assert notes == whole.notes


def assert_like_gdal(folder: Path, tolerance: int = 0) -> Decoded:
    """The only scene of a folder has GDAL's pixels, stretched where they are wide, and its valid places."""
    outcome = decode(folder)
    assert outcome.error is None
    (path,) = folder.glob("*.tif")
    pixels, valid = by_gdal(path)
    np.testing.assert_array_equal(everywhere(outcome), valid)
    if pixels.dtype != np.uint8:
        wide = pixels.astype(np.float64)
        low, high = np.percentile(wide[valid], (LOW, HIGH))
        pixels, tolerance = np.rint(np.clip((np.nan_to_num(wide) - low) * 255 / (high - low), 0, 255)), 1
    assert np.abs(pixels_of(outcome).astype(float) - pixels)[valid].max() <= tolerance
    return outcome


def pixels_of(outcome: Decoded) -> np.ndarray:
    """uint8 [H, W, 3] of a scene that was read on the CPU."""
    assert isinstance(outcome.pixels, np.ndarray)
    return outcome.pixels


def everywhere(outcome: Decoded) -> np.ndarray:
    """bool [H, W]: where the outcome has data."""
    return np.ones(pixels_of(outcome).shape[:2], bool) if outcome.valid is None else outcome.valid


def strips(image: np.ndarray, rows: int = 7, codec: int = 1) -> list[bytes]:
    """The image in encoded strips of so many rows."""
    parts = (image[row : row + rows].tobytes() for row in range(0, len(image), rows))
    return [bytes(ENCODERS[codec](part)) for part in parts]
