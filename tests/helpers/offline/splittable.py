"""Folders to split: scenes unlike each other, some of them in tiles."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from tests.helpers.offline.data_folder import write_labelled


def texture(key: object, height: int = 40, width: int = 50) -> np.ndarray:
    """A scene unlike every scene of another key: uint8 [height, width, 3]."""
    rng = np.random.default_rng(int.from_bytes(str(key).encode(), "big"))
    return cv2.resize(rng.integers(20, 220, (9, 9, 3), np.uint8), (width, height))


def write_pair(
    folder: Path,
    name: str,
    suffix: str = ".tif",
    image: np.ndarray | None = None,
    ice: float = 0.5,
    ignored: bool = False,
) -> None:
    """ice: share of the rows, from the top. ignored: leave out the rest."""
    image = texture(name) if image is None else image
    mask = np.zeros(image.shape[:2], np.uint8)
    mask[: round(ice * len(mask))] = 255
    write_labelled(folder, name, image, mask, 255 - mask if ignored else None, suffix)


def make_folder(folder: Path) -> Path:
    """20 scenes in 38 files: 0 to 16 and 92 whole, 90 in 16 tiles, 91.a in 4."""
    for number in range(17):
        write_pair(folder, str(number))
    for tile in range(16):
        write_pair(folder, f"90_{tile}", ".TIFF")
    for tile in range(4):
        write_pair(folder, f"91.a_{tile}")
    write_pair(folder, "92")
    return folder


def rows(path: Path) -> list[tuple[str, ...]]:
    """Of a list, whose header must be right."""
    with path.open(newline="") as file:
        header, *body = csv.reader(file)
    assert header == ["image", "label"]
    return [tuple(row) for row in body]


def names(path: Path) -> set[str]:
    """The scene files of a list, without their suffix."""
    return {Path(image).stem for image, _ in rows(path)}
