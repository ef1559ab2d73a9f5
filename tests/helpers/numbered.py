"""Twenty numbered scenes, and what the reader makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infer.plan.scenes import Scene, batches, find_scenes
from infer.read.reader import Reader
from tests.helpers.support import random_rgb, write_tiff


def twenty_scenes(folder: Path, broken: int | None) -> list[Scene]:
    """broken: the number of one whose second half is damaged."""
    folder.mkdir()
    for i in range(20):
        path = write_tiff(folder / f"{i:02}.tif", random_rgb(64, 64, seed=i + 1))
        if i == broken:  # its header is whole, so that DALI gets it
            content = bytearray(path.read_bytes())
            content[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
            path.write_bytes(content)
    return find_scenes(folder)


def read_all(scenes: list[Scene]) -> dict[str, Any]:
    """Pixels by the name of the scene, None where it could not be read."""
    with Reader(batches(scenes, 512, 8, gpu=False), gpu=False, say=print, redone=print) as reader:
        return {
            scene.name: outcome.pixels
            for batch in reader
            for scene, outcome in zip(batch.scenes, batch.outcomes, strict=True)
        }
