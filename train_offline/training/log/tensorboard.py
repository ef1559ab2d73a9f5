"""The course of a training for TensorBoard: figures, and pictures of a few validation scenes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from train_offline.data.folder import IGNORED, LabelledScene

LARGEST = 512  # pixels of the longer side of a picture
GREY = 128


class Board:
    """Writes RUN/tensorboard. TensorBoard is imported here and nowhere else: it takes a second."""

    def __init__(self, folder: Path, step: int) -> None:
        """`step`: where the run goes on; what the folder holds from there on is hidden."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=step + 1 if step else None)

    def add(self, figures: dict[str, float], pictures: list[tuple[str, np.ndarray]], step: int) -> None:
        """figures by name; pictures uint8 [H, W, 3] RGB by name."""
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)
        for name, picture in pictures:
            self._writer.add_image(name, picture, step, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


def picture_of(scene: LabelledScene, predicted: np.ndarray) -> np.ndarray:
    """Scene, truth (ice white, ignored grey) and prediction (bool [H, W]) side by side: uint8 [h, w, 3]."""
    truth = np.where(scene.label == IGNORED, GREY, np.where(scene.label == 1, 255, 0)).astype(np.uint8)
    masks = [np.repeat(m[:, :, None], 3, axis=2) for m in (truth, predicted.astype(np.uint8) * 255)]
    factor = min(1.0, LARGEST / max(scene.label.shape))
    height, width = (max(1, round(side * factor)) for side in scene.label.shape)
    parts = [
        cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA) for part in (scene.image, *masks)
    ]
    gap = np.full((height, 4, 3), GREY, np.uint8)
    return np.hstack([parts[0], gap, parts[1], gap, parts[2]])
