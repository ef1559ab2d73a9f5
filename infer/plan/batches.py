"""Which scenes go through the network together, and what all scenes of a folder decide for each of them."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from infer.network.architecture import STRIDE
from infer.plan.scenes import COARSE, Readable, Scene, readable
from infer.predict.hardware import batch_size

MAX_SHAPES = 64  # of padded scenes in a folder above which an engine that prepares for each is given fewer


class WholeFolder(NamedTuple):
    """What all scenes of the folder decide, so that masks are the same whichever of them are left to do.

    pixels: of all readable scenes, by which the engine is chosen. multiple: see pad_multiple. readable: by
    their headers.
    """

    pixels: int
    multiple: int
    readable: list[Readable]


def whole_folder(scenes: list[Scene], tile: int) -> WholeFolder:
    """Return what `scenes`, all of the folder, decide; tile in pixels."""
    known = readable(scenes)
    pixels = sum(scene.shape[0] * scene.shape[1] for scene in known)
    return WholeFolder(pixels, pad_multiple(known, tile), known)


def pad_multiple(scenes: list[Readable], tile: int) -> int:
    """Return what scenes are padded to for an engine that prepares for each shape: COARSE if there are many.

    scenes: all of the folder, so that a mask does not depend on which of them are left to do.
    """
    shapes = {scene.padded_shape for scene in scenes if max(scene.shape) <= tile}
    return COARSE if len(shapes) > MAX_SHAPES else STRIDE


def batches(scenes: list[Readable], tile: int, batch: int | None, gpu: bool) -> list[list[Readable]]:
    """Group neighbours of one padded shape, as many as go through the network at once.

    tile: pixels; a scene that is larger than that runs alone. batch: scenes, None for what suits the device.
    """
    grouped: list[list[Readable]] = []
    for shape, members in groupby(scenes, key=lambda scene: scene.padded_shape):
        same = list(members)
        size = 1 if max(shape) > tile else batch or batch_size(shape, gpu)
        grouped += [same[i : i + size] for i in range(0, len(same), size)]
    return grouped
