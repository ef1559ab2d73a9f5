"""What TensorBoard is given: figures, and pictures of scenes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.helpers.offline.training import history, train
from train_offline.data.folder import IGNORED, LabelledScene
from train_offline.training.log.tensorboard import picture_of


def test_tensorboard_has_figures_and_pictures_of_each_validation(folders: Path) -> None:
    assert train(folders, "run", "--epochs", 2) == 0
    events = EventAccumulator(str(folders / "run" / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    rows = history(folders / "run")
    for name in ("loss", "lr", "fwiou", "held out/ice_iou"):
        values = [(event.step, event.value) for event in events.Scalars(name)]
        assert values == [(int(row["step"]), pytest.approx(float(row[name]), rel=1e-5)) for row in rows]
    assert events.Tags()["images"] == ["held out/0", "held out/1", "held out/2"]
    pictures = events.Images("held out/1")
    assert [picture.step for picture in pictures] == [4, 8]
    shown = cv2.imdecode(np.frombuffer(pictures[-1].encoded_image_string, np.uint8), cv2.IMREAD_COLOR_RGB)
    scene = cv2.imread(str(folders / "held out" / "gt" / "1.png"), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(shown[:, 84:164, 0], scene, "scene, four pixels of gap, truth")
    assert set(np.unique(shown[:, 168:])) <= {0, 255}


def test_picture_shows_scene_truth_and_prediction() -> None:
    label = np.array([[0, 1], [IGNORED, 0]], np.uint8)
    scene = LabelledScene("s", np.full((2, 2, 3), 7, np.uint8), label)
    picture = picture_of(scene, np.array([[True, False], [False, True]]))
    assert picture.shape == (2, 3 * 2 + 2 * 4, 3)
    np.testing.assert_array_equal(picture[:, :2, 0], 7)
    np.testing.assert_array_equal(picture[:, 6:8, 0], [[0, 255], [128, 0]])
    np.testing.assert_array_equal(picture[:, 12:, 0], [[255, 0], [0, 255]])
    large = LabelledScene("l", np.zeros((600, 1200, 3), np.uint8), np.zeros((600, 1200), np.uint8))
    assert picture_of(large, large.label > 0).shape == (256, 3 * 512 + 8, 3)
