"""Random logits and labels for the tests of losses, and discs whose boundaries are known."""

from __future__ import annotations

import numpy as np
import torch


def chances(logits: torch.Tensor) -> np.ndarray:
    """Softmax over axis 1 in float64."""
    logits = logits.double().numpy()
    exponent = np.exp(logits - logits.max(1, keepdims=True))
    return exponent / exponent.sum(1, keepdims=True)


def batch(seed: int, ice: float = 0.3, ignored: float = 0.2) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits [3, 2, 8, 6] and labels [3, 8, 6]."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((3, 8, 6)) < ice).astype(np.int64)
    labels[rng.random(labels.shape) < ignored] = 255
    return torch.from_numpy(rng.normal(0, 3, (3, 2, 8, 6)).astype(np.float32)), torch.from_numpy(labels)


def disc(radius: float, shift: int = 0, size: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels [1, size, size] with a disc of ice, and logits that are sure of a disc moved by `shift`."""
    rows, columns = np.mgrid[:size, :size] - size // 2
    labels, said = (np.hypot(rows, columns - s) < radius for s in (0, shift))
    logits = torch.from_numpy(np.where(said, 20.0, -20.0)).float()
    return torch.stack([-logits, logits])[None], torch.from_numpy(labels).long()[None]
