"""Scores of a network on whole labelled scenes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

from infer.network.architecture import STRIDE
from infer.predict.tiles import crop, grid, stitch
from infer.settings import Settings
from train_offline.data.folder import IGNORED, LabelledScene
from train_offline.models.preprocessing import normalise, pad_to_stride
from train_offline.scoring.score import counts

DEFAULT = Settings()  # whose tile and overlap infer cuts large scenes with


def predict(
    model: nn.Module, image: np.ndarray, device: torch.device, bf16: bool, stride: int = STRIDE
) -> np.ndarray:
    """Predict the mask of one whole scene: uint8 [H, W, 3] to bool [H, W], True = ice.

    `model` must be in evaluation mode. The scene is padded by reflection to a multiple of `stride` pixels;
    one of more than 2048 pixels a side is cut into tiles that overlap, as by infer, for the sake of memory.
    """

    def mask_of(window: np.ndarray) -> np.ndarray:
        mask: np.ndarray = _margins(model, window, device, bf16, stride) > 0
        return mask

    return _whole(image, bool, mask_of)


def margins(model: nn.Module, image: np.ndarray, stride: int = STRIDE) -> np.ndarray:
    """Return the logit of ice less that of the background, float32 [H, W], on the CPU; as `predict`."""
    return _whole(
        image, np.float32, lambda window: _margins(model, window, torch.device("cpu"), False, stride)
    )


def _whole(image: np.ndarray, kind: type[Any], predicted: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return what is predicted of a scene, [H, W] of that kind of numbers, cut into tiles if it is large."""
    height, width = image.shape[:2]
    if max(height, width) <= DEFAULT.tile:
        return predicted(image)
    whole = np.empty((height, width), kind)
    for tile in grid(height, width, DEFAULT.tile, DEFAULT.overlap):
        stitch(whole, tile, predicted(np.ascontiguousarray(crop(image, tile))))
    return whole


@torch.inference_mode()
def _margins(
    model: nn.Module, image: np.ndarray, device: torch.device, bf16: bool, stride: int
) -> np.ndarray:
    height, width = image.shape[:2]
    batch = torch.from_numpy(pad_to_stride(image, stride)).to(device)[None]
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        logits = model(normalise(batch)).float()  # [1, 2, H, W]
    found: np.ndarray = (logits[0, 1] - logits[0, 0])[:height, :width].cpu().numpy()
    return found


def counts_of(
    model: nn.Module, scenes: Iterable[LabelledScene], device: torch.device, bf16: bool
) -> np.ndarray:
    """Count what `score(source, *counts)` needs: int64 [2, 2, 2] summed over the scenes.

    Ignored pixels are left out. The model's mode is restored. Counting takes under a hundredth of the time of
    the predictions.
    """
    was_training = model.training
    model.eval()
    total = np.zeros((2, 2, 2), np.int64)
    for scene in scenes:
        mask = predict(model, scene.image, device, bf16)
        total += counts(scene.label == 1, mask, scene.label == IGNORED)
    model.train(was_training)
    return total
