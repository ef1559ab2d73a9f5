"""Whole scenes through a network: sizes, what is left out, and the scores by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from infer.predict.tiles import grid
from infer.settings import Settings
from tests.helpers.support import random_rgb
from train_offline.data.folder import LabelledScene
from train_offline.scoring.confusion import f1, fwiou, iou
from train_offline.scoring.evaluate import counts_of, predict
from train_offline.scoring.score import counts, score

CPU = torch.device("cpu")


class Bright(nn.Module):
    """Says ice where the red band is above its middle; notes the sizes that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, ...]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert not self.training
        self.sizes.append(tuple(x.shape))
        return torch.stack([-x[:, 0], x[:, 0]], 1)


def scene(seed: int, height: int, width: int) -> LabelledScene:
    image = random_rgb(height, width, seed)
    label = np.random.default_rng(seed).choice(np.array([0, 1, 255], np.uint8), (height, width))
    return LabelledScene(str(seed), image, label)


@pytest.mark.parametrize(("height", "width"), [(32, 48), (33, 47), (1, 16), (5, 3)])
def test_a_mask_has_the_size_of_its_scene(height, width):
    network, image = Bright().eval(), random_rgb(height, width)
    mask = predict(network, image, CPU, bf16=False)
    assert np.array_equal(mask, image[..., 0] > 127)
    assert network.sizes == [(1, 3, -(-height // 16) * 16, -(-width // 16) * 16)]


def test_a_scene_larger_than_the_target_is_cut_into_tiles_as_infer_does_it():
    network, image = Bright().eval(), random_rgb(40, 2 * 2048 + 5)
    assert np.array_equal(predict(network, image, CPU, bf16=False), image[..., 0] > 127)
    tiles = grid(40, 2 * 2048 + 5, Settings().tile, Settings().overlap)
    assert network.sizes == [(1, 3, *tile.shape) for tile in tiles]


def test_counts_are_summed_over_scenes_without_the_ignored_pixels():
    scenes = [scene(1, 33, 47), scene(2, 20, 30)]
    network = Bright().train()
    total = counts_of(network, scenes, CPU, bf16=False)
    assert network.training  # as it was
    parts = [counts(s.label == 1, s.image[..., 0] > 127, s.label == 255) for s in scenes]
    assert np.array_equal(total, parts[0] + parts[1])
    assert total[0].sum() == sum(np.count_nonzero(s.label != 255) for s in scenes)


def test_no_scene_has_no_score():
    assert np.isnan(score("nothing", *counts_of(Bright(), [], CPU, bf16=False)).fwiou)


def test_every_score_has_its_name():
    conf, boundary = np.array([[70, 10], [5, 15]]), np.array([[3, 4], [2, 8]])
    figures = score("here", conf, boundary).figures()
    assert figures == pytest.approx(
        {
            "fwiou": fwiou(conf),
            "ice_iou": iou(conf)[1],
            "background_iou": iou(conf)[0],
            "ice_f1": f1(conf)[1],
            "background_f1": f1(conf)[0],
            "accuracy": 0.85,
            "boundary_f1": 2 * 0.75 * 0.25 / (0.75 + 0.25),
        }
    )
    assert all(type(value) is float for value in figures.values())  # NumPy's are nothing that JSON can hold


def test_a_score_reads_well():
    conf = np.array([[70, 10], [5, 15]])
    assert str(score("here", conf)) == "here: FWIoU 0.7588, IoU of ice 0.5000"
    with_boundary = score("here", conf, np.array([[3, 4], [2, 8]]))
    assert str(with_boundary).endswith(", boundary F1 0.3750")
