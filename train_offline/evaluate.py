"""Scores of a network on whole labelled scenes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from train_offline.folder import IGNORED, LabelledScene
from train_offline.metrics import confusion, fwiou, iou
from train_offline.network import STRIDE, normalise, pad_to_stride


@dataclass(frozen=True)
class Score:
    """FWIoU and IoU of ice of one source, from one confusion matrix summed over its scenes."""

    source: str
    fwiou: float
    ice_iou: float

    def figures(self) -> dict[str, float]:
        return {"fwiou": self.fwiou, "ice_iou": self.ice_iou}

    def __str__(self) -> str:
        return f"{self.source}: FWIoU {self.fwiou:.4f}, IoU of ice {self.ice_iou:.4f}"


@torch.inference_mode()
def predict(
    model: nn.Module, image: np.ndarray, device: torch.device, bf16: bool, stride: int = STRIDE
) -> np.ndarray:
    """Mask of one whole scene: uint8 [H, W, 3] to bool [H, W], True = ice.

    `model` must be in evaluation mode. The scene is padded by reflection to a multiple of `stride` pixels.
    """
    height, width = image.shape[:2]
    batch = torch.from_numpy(pad_to_stride(image, stride)).to(device)[None]
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        logits = model(normalise(batch))  # [1, 2, H, W]
    return (logits[0, 1] > logits[0, 0])[:height, :width].cpu().numpy()


def confusion_of(
    model: nn.Module, scenes: list[LabelledScene], device: torch.device, bf16: bool
) -> np.ndarray:
    """int64 [2, 2] summed over the scenes, ignored pixels left out; the model's mode is restored."""
    was_training = model.training
    model.eval()
    total = np.zeros((2, 2), np.int64)
    for scene in scenes:
        total += confusion(
            scene.label == 1, predict(model, scene.image, device, bf16), scene.label == IGNORED
        )
    model.train(was_training)
    return total


def score(source: str, total: np.ndarray) -> Score:
    """The scores of a source from its summed confusion matrix."""
    return Score(source, fwiou(total), float(iou(total)[1]))
