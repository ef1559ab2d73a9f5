"""Stripes: planted ones are found in real scenes and in drawn ones, and clean scenes stay clean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.helpers.support import SHARED, random_rgb, shared
from train_offline.data.facts.stripes import find_stripes
from train_offline.data.pixels import read_image

REAL = (
    "amazon_forest/train/image",
    "amazon_forest/val/image",
    "bohai_dev/image",
    "floes_modis/image",
    "unlabeled",
)


def real_scenes() -> list[Path]:
    shared("data")
    return [
        path for part in REAL for path in sorted((SHARED / "data" / part).iterdir()) if path.suffix != ".md"
    ]


def scene(seed: int = 0, height: int = 200, width: int = 300) -> np.ndarray:
    """Smooth at every size, with a little noise."""
    rng = np.random.default_rng(seed)
    image = sum(
        cv2.resize(
            rng.normal(0, 15, (n, n, 3)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
        )
        for n in (3, 9, 27)
    )
    return np.clip(image + 100 + rng.normal(0, 2, image.shape), 1, 255).astype(np.uint8)


def shifted(image: np.ndarray, lines: Sequence[int], by: int) -> np.ndarray:
    result = image.astype(int)
    result[lines] += by
    return np.clip(result, 0, 255).astype(np.uint8)


def test_clean_real_scenes_are_not_called_striped() -> None:
    paths = real_scenes()
    assert len(paths) > 60
    assert [path.name for path in paths if find_stripes(read_image(path).pixels)] == []


@pytest.mark.parametrize("turn", [0, 1])
def test_stripes_are_found_in_real_scenes(turn: int) -> None:
    """Every 16th line of a bad detector: bright enough to be seen in each of these scenes."""
    for path in real_scenes():
        image = np.rot90(read_image(path).pixels, turn)
        height = image.shape[0]
        lines = np.arange(7, height - 3, 16)
        by = 3 * int(np.abs(np.diff(image.astype(int), axis=0)).mean() + 4)
        image = np.minimum(image, 255 - by)  # no bright line shows on what is white already
        stripes = find_stripes(np.rot90(shifted(image, lines, by), -turn))
        assert stripes is not None, path.name
        assert stripes.along == ("rows", "columns")[turn]
        assert (
            len(set(lines) & set(stripes.lines if turn == 0 else (height - 1 - np.array(stripes.lines))))
            > len(lines) * 0.8
        )


@pytest.mark.parametrize("width", [1, 2, 3])
def test_stripes_of_several_pixels(width: int) -> None:
    lines = [top + step for top in range(10, 180, 30) for step in range(width)]
    assert find_stripes(scene()) is None
    stripes = find_stripes(shifted(scene(), lines, -12))
    assert set(lines) <= set(stripes.lines)
    assert stripes.along == "rows"


def test_each_line_with_a_gain_of_its_own() -> None:
    gains = np.random.default_rng(1).normal(0, 8, 300)
    image = np.clip(scene() + gains[None, :, None], 0, 255).astype(np.uint8)
    assert find_stripes(image).along == "columns"


@pytest.mark.parametrize(
    ("value", "lines"), [(0, [50]), (255, [50]), (0, [50, 51]), (0, list(range(50, 70)))]
)
def test_dead_lines(value: int, lines: Sequence[int]) -> None:
    image = scene()
    image[lines] = value
    assert find_stripes(image).lines == lines


def test_borders_steps_and_plain_scenes_are_no_stripes() -> None:
    step = scene()
    step[100:] = step[100:] // 2
    collar = scene()
    collar[:30] = 0
    collar[:, 280:] = 0
    wedge = scene()
    wedge[np.add.outer(np.arange(200), 0.3 * np.arange(300)) < 90] = 0
    for image in (step, collar, wedge, np.zeros((90, 90, 3), np.uint8), random_rgb(200, 300)):
        assert find_stripes(image) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (2, 2), (7, 63)])
def test_scenes_too_small_to_tell(shape: tuple[int, int]) -> None:
    assert find_stripes(random_rgb(*shape)) is None


def test_what_is_told_of_them() -> None:
    assert (
        str(find_stripes(shifted(scene(), [20, 50, 80, 110], 30))) == "4 odd rows (20, 50, 80 ..., 30 apart)"
    )
    dead = scene()
    dead[50] = 0
    assert str(find_stripes(dead)) == "1 odd row (50)"
