"""Masks as COG: strictly valid, equal bytes, their place and their pixels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rio_cogeo.cogeo import cog_validate

from infer.plan.scenes import Readable
from infer.plan.tiff_header import read_header
from infer.settings import Settings
from infer.write.form import PngForm
from infer.write.geotiff.form import GeoTiffForm
from infer.write.geotiff.georeference import OTHER_SIZE, Georeference
from infer.write.outputs import form_of
from infer.write.png_stamp import stamp_of
from tests.helpers.job.placed import UTM, WAYS, write_placed
from tests.helpers.support import random_rgb

STAMP = "ab" * 16


def _mask(height: int, width: int) -> np.ndarray:
    values = np.random.default_rng(0).choice(
        np.array([0, 254, 255], np.uint8), (height // 9 + 1, width // 9 + 1)
    )
    mask = np.kron(values, np.ones((9, 9), np.uint8))[:height, :width].copy()
    mask[0, 0] = 255
    return mask


def _place(way: Mapping[str, Any]) -> Georeference:
    crs = CRS.from_string(way["crs"]) if "crs" in way else None
    return Georeference(crs, way.get("transform"), tuple(way.get("gcps", ())), way.get("rpcs"))


@pytest.mark.parametrize("shape", [(1, 1), (37, 53), (512, 512), (513, 1025), (3000, 2000)])
@pytest.mark.parametrize("way", WAYS)
def test_every_mask_is_a_valid_cog_with_its_pixels_and_place(
    tmp_path: Path, shape: tuple[int, int], way: str
) -> None:
    mask, form, path, place = _mask(*shape), GeoTiffForm(), tmp_path / "m.tif", _place(WAYS[way])
    path.write_bytes(form.encode_placed(mask, place, STAMP))
    assert path.read_bytes() == form.encode_placed(mask, place, STAMP)
    assert cog_validate(path, strict=True) == (True, [], [])
    assert form.is_whole_mask(path, shape, STAMP)
    with rasterio.open(path) as image:
        np.testing.assert_array_equal(image.read(1), mask)
        assert (image.nodata, image.compression.name, image.block_shapes[0]) == (254, "deflate", (512, 512))
        gcps, crs = image.gcps
        assert (crs if gcps else image.crs) == place.crs
        assert image.transform == (place.transform or rasterio.Affine.identity())
        assert [(g.row, g.col, g.x, g.y) for g in gcps] == [(g.row, g.col, g.x, g.y) for g in place.gcps]
        assert bool(image.rpcs) == bool(place.rpcs)
        if place.rpcs:
            np.testing.assert_allclose(image.rpcs.line_num_coeff, place.rpcs.line_num_coeff)
        assert bool(image.overviews(1)) == (max(shape) > 512)


def test_what_is_no_whole_mask(tmp_path: Path) -> None:
    form, path, mask = GeoTiffForm(), tmp_path / "m.tif", _mask(700, 600)
    assert not form.is_whole_mask(path, (700, 600))
    whole = form.encode(mask, None, STAMP)
    path.write_bytes(whole)
    assert form.is_whole_mask(path, (700, 600))
    assert not form.is_whole_mask(path, (600, 700))
    assert not form.is_whole_mask(path, (700, 600), "cd" * 16)
    assert not GeoTiffForm(7).is_whole_mask(path, (700, 600), STAMP)
    path.write_bytes(whole[: len(whole) * 2 // 3])
    assert not form.is_whole_mask(path, (700, 600))
    path.write_bytes(form.encode(np.where(mask == 0, np.uint8(3), mask), None, None))
    assert not form.is_whole_mask(path, (700, 600))
    path.write_bytes(form.encode(mask, None, None))
    assert not form.is_whole_mask(path, (700, 600), STAMP)
    path.write_bytes(PngForm().encode(mask, None, None))
    assert not form.is_whole_mask(path, (700, 600))


def test_a_mask_of_another_size_gets_no_place(tmp_path: Path) -> None:
    path = write_placed(tmp_path / "a.tif", random_rgb(31, 41), **UTM)
    notes: list[str] = []
    scene = Readable(path, "a.tif", read_header(path))
    (tmp_path / "m.tif").write_bytes(GeoTiffForm().encode(_mask(41, 31), scene, None, notes.append))
    assert notes == [OTHER_SIZE]
    with rasterio.open(tmp_path / "m.tif") as image:
        assert (image.crs, image.transform) == (None, rasterio.Affine.identity())


def test_ice_is_counted_over_pixels_with_data() -> None:
    mask = np.array([[0, 255, 254, 254]], np.uint8)
    assert GeoTiffForm().ice_fraction(mask) == 0.5
    assert GeoTiffForm(253).ice_fraction(mask) == 0.25
    assert GeoTiffForm().ice_fraction(np.full((3, 4), 254, np.uint8)) is None
    assert PngForm().ice_fraction(np.array([[0, 255, 0, 0]], np.uint8)) == 0.25


def test_settings_choose_form_and_stamp() -> None:
    assert isinstance(form_of(Settings()), PngForm)
    assert form_of(Settings(format="geotiff", nodata=9)).nodata == 9
    assert form_of(Settings(format="geotiff")).nodata == 254
    assert stamp_of("a" * 64, Settings(format="geotiff")) != stamp_of("a" * 64, Settings())
