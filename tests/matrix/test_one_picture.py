"""One picture, one mask: however it is written, the same pixels come out, by every reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from infer.plan.scenes import find_scenes, readable
from infer.process.environment import prepare_environment
from infer.read.decoder import Decoded, Decoder
from infer.read.scene import Read
from infer.read.tiff.tifffile_reader import read_odd_scene
from tests.matrix.picture import Form
from tests.matrix.written import Way, ways

WAYS = ways()
ENOUGH = 600  # combinations


def decode(folder: Path) -> list[Decoded]:
    """As the job does; nothing may have to be done again in another way."""
    redone: list[object] = []
    outcomes = Decoder(False, 8, print, redone.append).decode(readable(find_scenes(folder)))
    assert redone == []
    return outcomes


def assert_is(form: Form, pixels: object, valid: np.ndarray | None) -> None:
    assert isinstance(pixels, np.ndarray)
    everywhere = np.ones(form.samples.shape[:2], bool)
    expected = everywhere if form.valid is None else form.valid
    np.testing.assert_array_equal(everywhere if valid is None else valid, expected)
    difference = np.abs(pixels.astype(float) - form.pixels)[expected].max()
    assert difference <= (0 if form.dtype == "uint8" else 1), f"differs by {difference}"


def test_there_are_enough() -> None:
    assert len(WAYS) == len({str(way) for way in WAYS}) >= ENOUGH


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_one_picture_one_mask(way: Way, tmp_path: Path) -> None:
    way.write(tmp_path / "x.tif")
    (outcome,) = decode(tmp_path)
    assert outcome.error is None
    assert_is(way.form, outcome.pixels, outcome.valid)
    (scene,) = readable(find_scenes(tmp_path))
    if scene.header.is_plain_rgb:  # libtiff has read it: so does tifffile
        read = Read(*read_odd_scene(scene.path, scene.header))
        assert_is(way.form, read.pixels, read.valid)


def test_dali_reads_all_that_is_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infer.read.decoder.DALI_ON_CPU", True)
    prepare_environment()
    for number, way in enumerate(WAYS):
        way.write(tmp_path / f"{number}.tif") if way.form == Form("uint8", "none") else None
    plain = [scene for scene in readable(find_scenes(tmp_path)) if scene.header and scene.header.is_plain_rgb]
    assert len(plain) > 25
    redone: list[object] = []
    decoder = Decoder(False, len(plain), print, redone.append)
    assert decoder._dali is not None
    monkeypatch.setattr(
        decoder, "_read", lambda scene: pytest.fail(f"{scene.name} was left to another reader")
    )
    for outcome in decoder.decode(plain):
        assert_is(Form("uint8", "none"), outcome.pixels, outcome.valid)
    assert redone == []
