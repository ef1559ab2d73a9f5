"""One scene judged: what can be shown of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.judging.judged import random_mask
from tests.helpers.support import random_rgb, write_tiff
from train_offline.judging.cases import Case
from train_offline.judging.masks.judged import judge_scenes


def picture_of(folder: Path, scene: Path, mask: np.ndarray) -> dict[str, object] | None:
    (folder / "masks").mkdir()
    Image.fromarray(mask).save(folder / "masks" / f"{scene.stem}.png")
    (judged,) = judge_scenes([Case(scene)], folder / "masks", None, side=64)
    return judged.picture


@pytest.mark.parametrize(
    "image",
    [
        random_rgb(40, 56, 1),
        random_rgb(40, 56, 2)[..., 0],
        random_rgb(40, 56, 3).astype(np.uint16) * 9,
        random_rgb(40, 56, 4).astype(np.float32) / 255,
    ],
    ids=["RGB", "grey", "16 bits", "floats"],
)
def test_every_kind_of_scene_that_the_job_accepts_is_shown(tmp_path: Path, image: np.ndarray) -> None:
    scene = write_tiff(tmp_path / "a.tif", image)
    picture = picture_of(tmp_path, scene, random_mask(1, 40, 56))
    assert picture is not None
    assert (picture["width"], picture["height"]) == (56, 40)


def test_a_turned_scene_is_shown_upright(tmp_path: Path) -> None:
    turned = (274, "H", 1, 6, False)  # the tag Orientation
    scene = write_tiff(tmp_path / "a.tif", random_rgb(40, 56, 1), extratags=[turned])
    picture = picture_of(tmp_path, scene, random_mask(1, 56, 40))
    assert picture is not None
    assert (picture["width"], picture["height"]) == (40, 56)
    assert picture["layers"]


@pytest.mark.parametrize("content", [b"no TIFF", b""])
def test_a_broken_scene_has_no_picture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    assert picture_of(tmp_path, tmp_path / "a.tif", random_mask(1, 512, 512)) is None


def test_a_mask_of_another_size_is_not_drawn_on_its_scene(tmp_path: Path) -> None:
    scene = write_tiff(tmp_path / "a.tif", random_rgb(40, 56, 1))
    picture = picture_of(tmp_path, scene, random_mask(1, 48, 56))
    assert picture is not None
    assert picture["layers"] == {}


def test_a_true_mask_with_values_between_makes_the_score_doubtful(tmp_path: Path) -> None:
    """As one that was resized or saved as JPEG has them."""
    scene = write_tiff(tmp_path / "a.tif", random_rgb(40, 56, 1))
    truth = random_mask(2, 40, 56)
    for name, mask in (("exact", truth), ("smooth", np.where(truth, truth, np.uint8(7)).astype(np.uint8))):
        (tmp_path / name).mkdir()
        Image.fromarray(mask).save(tmp_path / name / "a.png")
    exact, smooth = (tmp_path / name / "a.png" for name in ("exact", "smooth"))
    cases = [Case(scene, exact), Case(scene, smooth), Case(scene, exact, smooth)]
    doubts = [judged.doubts for judged in judge_scenes(cases, tmp_path / "none", None)]
    odd = f"smooth/a.png holds 7 beside 0 and 255, on {np.count_nonzero(truth == 0)} pixels, which count as "
    assert doubts == [[], [f"{odd}ice"], [f"{odd}ignored"]]
