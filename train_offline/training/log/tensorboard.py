"""The course of a training for TensorBoard: figures, and pictures of a few validation scenes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train_offline.data.folder import IGNORED, LabelledScene
from train_offline.runtime.images import shrunk

MAX_SIDE = 512  # pixels, of one of a picture's three parts
GREY = 128


class Board:
    """Writes RUN/tensorboard. TensorBoard is imported here and nowhere else: it takes a second."""

    def __init__(self, folder: Path, step: int) -> None:
        """`step`: where the run goes on; what the folder holds from there on is hidden."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=step + 1 if step else None)

    def add(self, figures: dict[str, float], pictures: list[tuple[str, np.ndarray]], step: int) -> None:
        """Add figures by name, and pictures by name, each uint8 [H, W, 3] RGB."""
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)
        for name, picture in pictures:
            self._writer.add_image(name, picture, step, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


def picture_of(scene: LabelledScene, predicted: np.ndarray) -> np.ndarray:
    """Put scene, truth and prediction (bool [H, W]) side by side, uint8 [h, w, 3]; ignored is grey."""
    truth = np.where(scene.label == IGNORED, GREY, np.where(scene.label == 1, 255, 0)).astype(np.uint8)
    masks = [np.repeat(m[:, :, None], 3, axis=2) for m in (truth, predicted.astype(np.uint8) * 255)]
    image, truth, found = (shrunk(part, MAX_SIDE) for part in (scene.image, *masks))
    gap = np.full((len(image), 4, 3), GREY, np.uint8)
    return np.hstack([image, gap, truth, gap, found])
