"""Reading with OpenCV ahead of the network, and writing behind it, for the engines that only predict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tests.bench.peers.common import MAX_SIDE, batches, padded, tiffs, windows

Image.MAX_IMAGE_PIXELS = None
Predict = Callable[[np.ndarray], np.ndarray]  # uint8 [B, H, W, 3] to uint8 [B, H, W], 0 and 1


def predict_all(scenes: Path, masks: Path, predict: Predict) -> None:
    """A mask for every scene; the next batch is read while the network is at work."""
    sized = [(path, Image.open(path).size[::-1]) for path in tiffs(scenes)]
    with ThreadPoolExecutor(2) as readers, ThreadPoolExecutor(2) as writers:
        for (height, width), paths, images in _read_ahead(readers, list(batches(sized))):
            if max(height, width) <= MAX_SIDE:
                found = predict(images)
            else:
                found = np.stack([_in_tiles(image, predict) for image in images])
            for path, mask in zip(paths, found, strict=True):
                pixels = mask[:height, :width] * np.uint8(255)
                writers.submit(cv2.imwrite, str(masks / f"{path.stem}.png"), pixels)


def _read_ahead(
    readers: ThreadPoolExecutor, plan: list[tuple[tuple[int, int], list[Path]]]
) -> Iterator[tuple[tuple[int, int], list[Path], np.ndarray]]:
    waiting = []
    for size, paths in plan:
        waiting.append((size, paths, readers.submit(_read, size, paths)))
        if len(waiting) > 1:
            size, paths, future = waiting.pop(0)
            yield size, paths, future.result()
    for size, paths, future in waiting:
        yield size, paths, future.result()


def _read(size: tuple[int, int], paths: list[Path]) -> np.ndarray:
    """uint8 [B, H, W, 3] RGB, padded below and at the right to the network's stride."""
    height, width = size
    images = np.zeros((len(paths), padded(height), padded(width), 3), np.uint8)
    for image, path in zip(images, paths, strict=True):
        read = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if read is None:
            raise ValueError(f"{path}: OpenCV cannot read it")
        cv2.cvtColor(read, cv2.COLOR_BGR2RGB, image[:height, :width])
    return images


def _in_tiles(image: np.ndarray, predict: Predict) -> np.ndarray:
    mask = np.zeros(image.shape[:2], np.uint8)
    for top, left, height, width in windows(len(image), image.shape[1]):
        tile = np.ascontiguousarray(image[top : top + height, left : left + width])
        mask[top : top + height, left : left + width] = predict(tile[None])[0]
    return mask
