"""Tiles of large scenes: every pixel, no other pixel, and the lists still keep scenes apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.offline.data_folder import mask_of, write_labelled
from tests.helpers.support import random_rgb
from train_offline.commands.split import main
from train_offline.data.folder import IGNORED, listed_pairs, pairs_in, read_labelled
from train_offline.data.makers.cut_tiles import tile_names
from train_offline.data.split.groups import scene_of


def write_scene(folder: Path, name: str, image: np.ndarray, ignored: bool = True) -> None:
    for part in ("image", "gt", "ignore"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(
        folder / "image" / f"{name}.tif", image, photometric="minisblack" if image.ndim == 2 else "rgb"
    )
    height, width = image.shape[:2]
    ice = random_rgb(height, width, 7)[..., 0] > 99
    cv2.imwrite(str(folder / "gt" / f"{name}.png"), np.where(ice, 255, 0).astype(np.uint8))
    if ignored:
        cv2.imwrite(str(folder / "ignore" / f"{name}.png"), np.where(ice[::-1], 255, 0).astype(np.uint8))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Scenes below, at and above 64 pixels, in three forms of bands, one of them in tiles already."""
    folder = tmp_path / "data"
    write_scene(folder, "small", random_rgb(40, 64, 1), ignored=False)
    write_scene(folder, "wide", random_rgb(64, 200, 2))
    write_scene(folder, "7_0", random_rgb(100, 128, 3)[..., 0])
    write_scene(folder, "7_1", random_rgb(64, 64, 4))
    write_scene(folder, "rgba", np.dstack([random_rgb(65, 130, 5), random_rgb(65, 130, 6)[..., 0]]))
    return folder


def cut(data: Path, *arguments: str) -> Path:
    output = data.parent / "new" / "tiles"
    code = main([str(data), "--tile", "64", "--output", str(output), "--val-share", "0.3", *arguments])
    assert code == 0
    return output


def test_tiles_put_back_give_the_scene(data: Path) -> None:
    output = cut(data)
    tiles = {pair.name: pair for pair in pairs_in(output)}
    corners = {
        "wide": [(0, 0), (0, 64), (0, 128), (0, 136)],
        "7_0": [(0, 0), (0, 64), (36, 0), (36, 64)],
        "rgba": [(0, 0), (0, 64), (0, 66), (1, 0), (1, 64), (1, 66)],
    }
    for name, places in corners.items():
        scene = read_labelled(next(pair for pair in pairs_in(data) if pair.name == name))
        seen = np.zeros(scene.label.shape, bool)
        for number, (top, left) in enumerate(places):
            pair = tiles.pop(f"{scene_of(name)}_{number}")
            tile, window = read_labelled(pair), np.s_[top : top + 64, left : left + 64]
            np.testing.assert_array_equal(tile.image, scene.image[window])
            np.testing.assert_array_equal(tile.label, scene.label[window])
            assert (tile.label == IGNORED).any()
            seen[window] = True
        assert seen.all()
    assert sorted(tiles) == ["7_4", "small"], "the small tile of scene 7 is numbered on, the small scene kept"


def test_bands_and_form_of_a_tile(data: Path) -> None:
    output = cut(data)
    source = tifffile.imread(data / "image" / "rgba.tif")
    with tifffile.TiffFile(output / "image" / "rgba_5.tif") as file:
        page = file.pages.first
        np.testing.assert_array_equal(page.asarray(), source[1:, 66:])
        assert (page.compression.name, page.predictor.name) == ("LZW", "HORIZONTAL")
    assert tifffile.imread(output / "image" / "7_2.tif").ndim == 2


@pytest.mark.parametrize("form", ["nodata", "alpha", "a fourth band that is none"])
def test_tiles_are_read_as_their_scene_is(tmp_path: Path, form: str) -> None:
    """Which pixels have data is said in the file: tiles say the same."""
    image, options = random_rgb(90, 70, 5), {}
    black = random_rgb(90, 70, 6)[..., 0] > 120
    if form == "nodata":
        image[black], options = 0, {"extratags": [(42113, "s", 0, "0", True)]}
    else:
        kind = "unassalpha" if form == "alpha" else "unspecified"
        image, options = np.dstack([image, mask_of(~black)]), {"extrasamples": [kind]}
    for name in "ab":
        write_labelled(tmp_path / "data", name, image, mask_of(random_rgb(90, 70, 7)[..., 0] > 99), **options)
    output = cut(tmp_path / "data", "--by-name")
    scene = read_labelled(pairs_in(tmp_path / "data")[0])
    assert (scene.label == IGNORED).any() == (form != "a fourth band that is none")
    tiles = {pair.name: read_labelled(pair) for pair in pairs_in(output)}
    for number, (top, left) in enumerate([(0, 0), (0, 6), (26, 0), (26, 6)]):
        window = np.s_[top : top + 64, left : left + 64]
        np.testing.assert_array_equal(tiles[f"a_{number}"].image, scene.image[window])
        np.testing.assert_array_equal(tiles[f"a_{number}"].label, scene.label[window])


@pytest.mark.parametrize(
    ("image", "form", "reason"),
    [
        (random_rgb(90, 70).astype(np.uint16), {}, "must be 8-bit grey, RGB or RGBA to be cut, not uint16"),
        (random_rgb(90, 70)[..., 0], {"photometric": "miniswhite"}, "its colours are MINISWHITE"),
        (random_rgb(70, 90), {"extratags": [(274, "H", 1, 6, True)]}, "is stored turned (orientation 6)"),
    ],
    ids=["16 bits", "white is zero", "turned"],
)
def test_what_cannot_be_cut_without_loss_is_one_line(
    data: Path, image: np.ndarray, form: dict[str, object], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_labelled(data, "odd", image, mask_of(random_rgb(90, 70, 7)[..., 0] > 99), **form)
    assert main([str(data)]) == 0, "it can be trained on, and split"
    output = data.parent / "new" / "tiles"
    assert main([str(data), "--tile", "64", "--output", str(output)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"odd.tif: {reason}" in error
    assert not output.exists()


def test_what_is_not_cut_is_copied_byte_by_byte(data: Path) -> None:
    output = cut(data)
    for path in ("image/small.tif", "gt/small.png"):
        assert (output / path).read_bytes() == (data / path).read_bytes()
    assert not (output / "ignore" / "small.png").exists()


@pytest.mark.parametrize("seed", ["0", "1", "2", "3"])
def test_tiles_of_a_scene_stay_on_one_side(data: Path, seed: str) -> None:
    output = cut(data, "--seed", seed)
    sides = [
        {scene_of(pair.name) for pair in listed_pairs(output, f"{side}.csv")} for side in ("train", "val")
    ]
    assert not sides[0] & sides[1]
    assert sides[0] | sides[1] == {"small", "wide", "7", "rgba"}
    assert len(sides[1]) == 1
    assert sum(len(listed_pairs(output, f"{side}.csv")) for side in ("train", "val")) == len(pairs_in(output))
    assert not (data / "train.csv").exists()


def test_folds_of_tiles(data: Path) -> None:
    output = cut(data)
    for path in output.glob("*.csv"):
        path.unlink()
    output.rename(output.with_name("moved"))
    assert main([str(data), "--tile", "64", "--output", str(output), "--folds", "4"]) == 0
    held_out = [scene_of(pair.name) for fold in range(4) for pair in listed_pairs(output, f"val-{fold}.csv")]
    assert len(held_out) == len(pairs_in(output))
    assert set(held_out) == {"small", "wide", "7", "rgba"}


@given(
    st.lists(
        st.tuples(st.from_regex(r"\A[ab](_[0-2]){0,2}\Z"), st.integers(1, 3)), unique_by=lambda one: one[0]
    )
)
def test_tile_names_are_unique_and_tell_the_scene(files: list[tuple[str, int]]) -> None:
    names, counts = [name for name, _ in files], [count for _, count in files]
    scenes = [scene_of(name) for name in names]
    given_names = tile_names(names, scenes, counts)
    flat = [name for own in given_names for name in own]
    assert len(set(flat)) == len(flat) == sum(counts)
    for own, scene in zip(given_names, scenes, strict=True):
        assert {scene_of(name) for name in own} == {scene}


@pytest.mark.parametrize(
    ("names", "pattern", "counts", "wanted"),
    [
        (["bohai", "bohai_1"], "(.+)", [4, 1], [["bohai_0", "bohai_2", "bohai_3", "bohai_4"], ["bohai_1"]]),
        (["A_0", "A_tile1"], r"(.+)_tile\d+", [1, 2], [["A_0"], ["A_1", "A_2"]]),
        (["A", "A_1"], "(.+)", [2, 2], [["A_0", "A_1"], ["A_1_0", "A_1_1"]]),
    ],
)
def test_tile_names_are_unique_whatever_a_scene_is_called(
    names: list[str], pattern: str, counts: list[int], wanted: list[list[str]]
) -> None:
    assert tile_names(names, [scene_of(name, pattern) for name in names], counts) == wanted


def something_there(output: Path) -> None:
    output.mkdir(parents=True)
    (output / "mine").write_text("kept")


def a_file(output: Path) -> None:
    output.parent.mkdir(parents=True)
    output.write_text("kept")


def a_file_above(output: Path) -> None:
    output.parent.write_text("kept")


@pytest.mark.parametrize("spoil", [something_there, a_file, a_file_above])
def test_an_output_that_cannot_be_made_is_one_line(
    data: Path, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    output = data.parent / "new" / "tiles"
    spoil(output)
    assert main([str(data), "--tile", "64", "--output", str(output)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(output) in error
    kept = [path for path in Path(data.parent / "new").rglob("*") if path.is_file()] or [data.parent / "new"]
    assert [path.read_text() for path in kept] == ["kept"]


def test_nothing_is_left_of_an_output_that_failed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_scene(data, "bad", random_rgb(70, 70, 9))
    cv2.imwrite(str(data / "ignore" / "bad.png"), np.zeros((5, 5), np.uint8))
    output = data.parent / "new" / "tiles"
    assert main([str(data), "--tile", "64", "--output", str(output)]) == 2
    assert "bad.png: is 5x5" in capsys.readouterr().err
    assert not output.exists()
