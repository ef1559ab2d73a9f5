"""Masks from pixels: padding, tiles, batches, and numbers that are not finite."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from infer.errors import NotFiniteError
from infer.network.torch_model import Model, model_of
from infer.network.weights_file import Slim
from infer.predict.onnx_engine import OnnxEngine
from infer.predict.openvino_engine import OpenVinoEngine
from infer.predict.torch_engine import TorchEngine
from tests.helpers.job.networks import MEAN, STD, Brightness, predictor_of, torch_predictor
from tests.helpers.support import random_rgb


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (17, 3), (512, 512), (500, 333), (130, 700)])
@pytest.mark.parametrize("tile", [64, 512])
def test_each_pixel_gets_its_own_class(shape: tuple[int, int], tile: int) -> None:
    image = random_rgb(*shape)
    (mask,) = torch_predictor(Brightness(), tile=tile, overlap=32).predict([image])
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, np.where(image[..., 0] > 127, 255, 0))


class Loud(Brightness):
    """The same answer with logits that fp16 cannot hold."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * 60_000


def test_numbers_that_overflow_are_computed_again_in_fp32(capsys: pytest.CaptureFixture[str]) -> None:
    engine = TorchEngine(Model(Loud(), MEAN, STD, ""), "cpu", "fp16")
    image = random_rgb(64, 48)
    (mask,) = predictor_of(engine).predict([image])
    np.testing.assert_array_equal(mask, np.where(image[..., 0] > 127, 255, 0))
    assert "trying fp32" in capsys.readouterr().out


class NotANumber(Brightness):
    """No number where the red of the first pixel is 255."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        broken = x[:, :1, :1, :1] == (255 - MEAN[0]) / STD[0]
        return torch.where(broken, torch.nan, super().forward(x))


def test_logits_that_are_no_numbers_are_an_error_in_every_engine(shipped_weights: Slim) -> None:
    bad = random_rgb(64, 48)
    bad[0, 0, 0] = 255
    with pytest.raises(NotFiniteError):
        torch_predictor(NotANumber()).predict([random_rgb(64, 48), bad])
    state = {name: np.full_like(array, 1e30) for name, array in shipped_weights.state.items()}
    for engine in (
        OnnxEngine(replace(shipped_weights, state=state)),
        OpenVinoEngine(replace(shipped_weights, state=state)),
        TorchEngine(model_of(replace(shipped_weights, state=state)), "cpu"),
    ):
        with pytest.raises(NotFiniteError):
            predictor_of(engine).predict([bad])


@pytest.mark.parametrize("batch", [1, 2, 3, None])
def test_scenes_of_one_padded_shape_share_a_batch(batch: int | None) -> None:
    images = [random_rgb(60 + i, 64 - i, seed=i) for i in range(5)]
    masks = torch_predictor(Brightness(), batch=batch).predict(images)
    for image, mask in zip(images, masks, strict=True):
        np.testing.assert_array_equal(mask, np.where(image[..., 0] > 127, 255, 0))
