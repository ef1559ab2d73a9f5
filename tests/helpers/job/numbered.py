"""Twenty numbered scenes, and what the reader makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infer.plan.batches import batches
from infer.plan.scenes import Readable, find_scenes, readable
from infer.read.reader import Reader
from tests.helpers.support import random_rgb, write_tiff


def twenty_scenes(folder: Path, broken: int | None) -> list[Readable]:
    """broken: the number of one whose second half is damaged."""
    folder.mkdir()
    for i in range(20):
        path = write_tiff(folder / f"{i:02}.tif", random_rgb(64, 64, seed=i + 1))
        if i == broken:  # its header is whole, so that DALI gets it
            content = bytearray(path.read_bytes())
            content[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
            path.write_bytes(content)
    return readable(find_scenes(folder))


def read_all(scenes: list[Readable]) -> dict[str, Any]:
    """Pixels by the name of the scene, None where it could not be read."""
    with Reader(batches(scenes, 512, 8, gpu=False), gpu=None, say=print, redone=print) as reader:
        return {
            scene.name: decoded.pixels
            for batch in reader
            for scene, decoded in zip(batch.scenes, batch.decoded, strict=True)
        }
