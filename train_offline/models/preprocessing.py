"""What the network's input looks like: normalised pixels, sides that are multiples of its stride."""

from __future__ import annotations

import numpy as np
import torch

from infer.network.architecture import STRIDE
from infer.network.padding import padded, reflect

MEAN, STD = 127.5, 31.875  # of every channel, in 0..255 units


def normalise(images: torch.Tensor) -> torch.Tensor:
    """Turn uint8 [B, H, W, 3] into float32 [B, 3, H, W] in channels_last memory, (x - 127.5) / 31.875."""
    return (images.permute(0, 3, 1, 2).float() - MEAN) / STD


def pad_to_stride(image: np.ndarray, stride: int = STRIDE) -> np.ndarray:
    """Reflect an image [H, W, 3] at its lower and right border up to multiples of the stride, as infer does.

    A scene shorter than its border is reflected more than once.
    """
    rows, columns = (reflect(0, padded(side, stride), side) for side in image.shape[:2])
    return image[np.ix_(rows, columns)]
