"""Which bands are the colours and which is alpha: declared roles, extra samples, palettes."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from tests.matrix.like_gdal import (
    GREY,
    RGBA,
    H,
    W,
    assert_like_gdal,
    decode,
    everywhere,
    pixels_of,
    strips,
)
from tests.matrix.picture import HOLE, PICTURE
from tests.matrix.raw import ASCII, LONG, SHORT, Tags, raw

WITH_ALPHA = [2], [1], [0, 2], [2, 2], [0, 0, 2]
EXTRA = [*((extra, 3) for extra in WITH_ALPHA), ([0], None), ([0, 0], None), ([], None)]


@pytest.mark.parametrize(("extra", "alpha"), EXTRA, ids=str)
def test_extra_samples_of_any_number(extra: list[int], alpha: int | None, tmp_path: Path) -> None:
    tags: Tags = {338: (SHORT, extra) if extra else None, 278: (LONG, [7])}
    raw(tmp_path / "x.tif", (H, W, 4), strips(RGBA), tags)
    outcome = decode(tmp_path)
    np.testing.assert_array_equal(pixels_of(outcome), PICTURE)
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
        np.testing.assert_array_equal(pixels_of(outcome)[~HOLE], PICTURE[~HOLE])


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
    np.testing.assert_array_equal(pixels_of(outcome), RGBA[..., list(colours)])
    if alpha is None:
        assert outcome.valid is None
    else:
        np.testing.assert_array_equal(everywhere(outcome), RGBA[..., alpha] != 0)


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
    tags: Tags = {262: (SHORT, [3]), 338: (SHORT, [extra]), 320: (SHORT, colours), 278: (LONG, [7])}
    if declared:
        metadata = f"<GDALMetadata>{ITEM.format(1, declared)}</GDALMetadata>".encode() + b"\0"
        tags = {**tags, 42112: (ASCII, metadata)}
    raw(tmp_path / "x.tif", (H, W, 2), strips(np.dstack([GREY, RGBA[..., 3]])), tags)
    with rasterio.open(tmp_path / "x.tif") as dataset:
        is_alpha = dataset.colorinterp[1] == ColorInterp.alpha
    outcome = decode(tmp_path)
    np.testing.assert_array_equal(everywhere(outcome), ~HOLE if is_alpha else np.ones((H, W), bool))
    palette = np.array(colours).reshape(3, 256) // 257
    np.testing.assert_array_equal(pixels_of(outcome), palette.T[GREY])


def test_without_a_photometric_a_colour_map_makes_a_palette(tmp_path: Path) -> None:
    colours = [257 * (value * 7 % 256) for value in range(768)]
    raw(tmp_path / "x.tif", (H, W, 1), strips(GREY), {262: None, 320: (SHORT, colours), 278: (LONG, [7])})
    palette = np.array(colours).reshape(3, 256) // 257
    np.testing.assert_array_equal(pixels_of(decode(tmp_path)), palette.T[GREY])


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
    np.testing.assert_array_equal(pixels_of(assert_like_gdal(tmp_path)), PICTURE)
