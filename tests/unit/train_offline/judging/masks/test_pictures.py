"""The pictures of the report and their layers."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from tests.helpers.support import random_rgb
from train_offline.judging.masks.pictures import (
    BYTES_PER_PIXEL,
    LAYERS,
    MAX_SIDE,
    MIN_SIDE,
    OUTLINE,
    layers_of,
    picture,
    side_for,
)


def test_every_pixel_is_in_the_layer_of_its_kind() -> None:
    mask = np.array([[255, 255, 0, 0, 255]], np.uint8)
    truth = np.array([[255, 0, 255, 0, 255]], np.uint8)
    ignore = np.array([[0, 0, 0, 0, 255]], np.uint8)
    found = {name: layer.tolist()[0] for name, layer in layers_of(mask, truth, ignore).items()}
    assert found == {
        "hit": [True, False, False, False, True],  # left out of the score, and still ice
        "false": [False, True, False, False, False],
        "missed": [False, False, True, False, False],
        "ignored": [False, False, False, False, True],
    }
    assert set(found) == set(LAYERS)


def test_a_picture_keeps_its_proportions_and_shows_what_is_there() -> None:
    layer = np.zeros((400, 1000), bool)
    layer[:200] = True
    made = picture(random_rgb(400, 1000, 1), {"hit": layer, "false": ~layer & layer}, 500)
    assert (made["width"], made["height"], set(made["layers"])) == (500, 200, {"hit", OUTLINE})
    stencil = Image.open(io.BytesIO(base64.b64decode(made["layers"]["hit"]))).convert("RGBA")
    alpha = np.asarray(stencil)[..., 3]
    assert (alpha[:99] == 255).all()
    assert (alpha[101:] == 0).all()
    assert Image.open(io.BytesIO(base64.b64decode(made["jpeg"]))).size == (500, 200)
    rim = np.asarray(Image.open(io.BytesIO(base64.b64decode(made["layers"][OUTLINE]))).convert("RGBA"))[
        ..., 3
    ]
    assert (rim[99] == 255).all(), "where the ice ends"
    assert not rim[:90].any(), "neither inside of it nor along the picture's edge"


def test_pictures_get_smaller_the_more_there_are() -> None:
    assert 20 * side_for(20) ** 2 * BYTES_PER_PIXEL <= 15e6
    sides = [side_for(count) for count in (1, 60, 200, 5000)]
    assert sides == sorted(sides, reverse=True)
    assert (sides[0], sides[-1]) == (MAX_SIDE, MIN_SIDE)
