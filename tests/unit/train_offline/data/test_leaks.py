"""Scenes to score that are trained on under another name are found by their pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.helpers.offline.data_folder import noise
from train_offline.data.folder import LabelledScene
from train_offline.data.leaks import shared_scenes
from train_offline.data.sources import Source

WHOLE = noise(1, 60, 80, 3)
A, B = Path("a"), Path("b")


def source(name: str, image: np.ndarray) -> Source:
    return Source("s", 1.0, [LabelledScene(name, image, np.zeros(image.shape[:2], np.uint8))])


def test_a_tile_of_a_scene_that_is_trained_on_is_warned_of() -> None:
    tile = WHOLE[20:50, 33:70].copy()
    (warning,) = shared_scenes([A], [source("7", WHOLE)], [B], [source("7_3", tile)])
    assert warning == "b: 7_3 has pixels of a/image/7, which is trained on; no fair score"
    assert len(shared_scenes([A], [source("7_3", tile)], [B], [source("7", WHOLE)])) == 1


def test_other_pixels_other_scenes_and_the_same_folder_are_not() -> None:
    assert shared_scenes([A], [source("7", WHOLE)], [B], [source("7_3", noise(2, 30, 30, 3))]) == []
    assert shared_scenes([A], [source("7", WHOLE)], [B], [source("8", WHOLE)]) == []
    assert shared_scenes([A], [source("7", WHOLE)], [A], [source("7", WHOLE)]) == [], "preflight's"
