"""Pixels of TIFFs: for a GPU by NVIDIA DALI, for a CPU by libtiff, and of odd ones by tifffile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from infer.errors import DecodeError
from infer.plan.scenes import Readable
from infer.process.journal import Redone
from infer.process.limits import cpus
from infer.process.text import first_line
from infer.read.dali import MAX_THREADS, DaliReader
from infer.read.scene import read_scene

if TYPE_CHECKING:
    from infer.predict.engine import Pixels

# On two cores libtiff needs 14 ms a megapixel, DALI 17 ms and 0.5 s to be imported.
DALI_ON_CPU = False


@dataclass(frozen=True)
class Decoded:
    """One scene: pixels uint8 [H, W, 3] RGB, or None and in error the reason why.

    valid: bool [H, W], False where there is no data; None: there is everywhere. notes: as in Read.
    """

    pixels: Pixels | None = None
    error: str | None = None
    valid: np.ndarray | None = None
    notes: tuple[str, ...] = ()


class Decoder:
    """Decodes batches of scenes: NumPy arrays, or CUDA tensors with gpu=True.

    redone: is told of what did not go at once.
    """

    def __init__(
        self,
        gpu: bool,
        max_scenes: int,
        say: Callable[[str], None],
        redone: Callable[[Redone], None],
    ) -> None:
        self._gpu = gpu and torch_takes_pixels()
        self._wants_dali = self._gpu or DALI_ON_CPU
        self._max_scenes = max_scenes
        self._say, self._redone = say, redone
        self._pool = ThreadPoolExecutor(min(MAX_THREADS, cpus()), "decoder")
        self._dali = self._start_dali() if self._wants_dali else None

    def decode(self, scenes: list[Readable]) -> list[Decoded]:
        """Decode scenes, in their order. One bad file costs no other."""
        for_dali = [scene for scene in scenes if _is_for_dali(scene)] if self._wants_dali else []
        by_dali = dict(zip(for_dali, self._by_dali(for_dali), strict=True))
        rest = [scene for scene in scenes if by_dali.get(scene) is None]
        read = self._pool.map(self._read, rest) if len(rest) > 1 else map(self._read, rest)
        by_others = dict(zip(rest, read, strict=True))
        return [by_dali.get(scene) or by_others[scene] for scene in scenes]

    def _read(self, scene: Readable) -> Decoded:
        try:
            read = read_scene(scene.path, scene.header)
        except DecodeError as error:
            return Decoded(error=error.reason)
        if read.refused:
            self._redone(Redone("decode", (scene.name,), read.refused))
        return Decoded(read.pixels, None, read.valid, read.notes)

    def _by_dali(self, scenes: list[Readable]) -> list[Decoded | None]:
        """Decode by DALI; None stands for a scene that others are to read: for all where a batch fails."""
        nothing: list[Decoded | None] = [None] * len(scenes)
        if not scenes or not self._wants_dali:
            return nothing
        self._dali = self._dali or self._start_dali()
        if self._dali is None:
            return nothing
        try:
            pixels = self._dali.read([np.fromfile(scene.path, np.uint8) for scene in scenes])
        except Exception as error:  # DALI says neither in which scene nor, reliably, with which type of error
            reason = first_line(f"DALI: {error}")
            self._redone(Redone("decode", tuple(scene.name for scene in scenes), reason))
            self._dali = None  # one that has thrown cannot be used again
            return nothing
        return [
            Decoded(array, notes=scene.header.notes) if tuple(array.shape) == (*scene.shape, 3) else None
            for scene, array in zip(scenes, pixels, strict=True)
        ]

    def _start_dali(self) -> DaliReader | None:
        try:
            return DaliReader(self._max_scenes, self._gpu)
        except Exception as error:
            reason = first_line(f"{type(error).__name__}: {error}")
            reason = f"DALI cannot be used: {reason}: going on with libtiff"
            self._say(f"infer: {reason}")
            self._redone(Redone("start", (), reason))
            self._wants_dali = False
            return None


def torch_takes_pixels() -> bool:
    """Tell whether pixels may lie on the GPU: torch has to find it too."""
    try:
        import torch

        return torch.cuda.is_available()
    except Exception:  # a torch that is broken: the engine's start says how
        return False


def _is_for_dali(scene: Readable) -> bool:
    """Tell whether a scene is plain RGB and not far larger than its pixels: DALI is given whole files."""
    height, width = scene.shape
    max_bytes = 2 * height * width * scene.header.samples + 2**20
    try:
        return scene.header.is_plain_rgb and scene.path.stat().st_size <= max_bytes
    except OSError:  # it has gone since it was listed: the fallback says so
        return False
