"""Pixels of TIFFs: on a GPU by NVIDIA DALI, on a CPU by libtiff, and of odd ones by tifffile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from infer.errors import DecodeError
from infer.plan.scenes import Readable
from infer.process.journal import Redone
from infer.process.limits import cpus
from infer.process.text import first_line
from infer.read.scene import read_scene

if TYPE_CHECKING:
    from infer.predict.engine import Pixels

MAX_THREADS = 8
# A GPU has no other. On two cores libtiff needs 14 ms a megapixel, DALI 17 ms and 0.5 s to be imported.
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
        self._gpu = gpu
        self._max_scenes = max_scenes
        self._say, self._redone = say, redone
        self._encoded: list[np.ndarray] = []
        self._pool = ThreadPoolExecutor(min(MAX_THREADS, cpus()), "decoder")
        self._pipeline = self._build_where_possible() if gpu or DALI_ON_CPU else None

    def decode(self, scenes: list[Readable]) -> list[Decoded]:
        """Decode scenes, in their order. One bad file costs no other."""
        by_dali: dict[Readable, Decoded | None] = {}
        if self._pipeline is not None:
            for_dali = [scene for scene in scenes if _is_for_dali(scene)]
            by_dali = dict(zip(for_dali, self._try_together(for_dali), strict=True))
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

    def _try_together(self, scenes: list[Readable]) -> list[Decoded | None]:
        """Decode by DALI; None stands for a scene it failed on. When a batch fails, each is tried alone."""
        if not scenes or self._pipeline is None:
            return [None] * len(scenes)
        try:
            self._encoded = [np.fromfile(scene.path, np.uint8) for scene in scenes]
            (output,) = self._pipeline.run()
        except Exception as error:  # DALI says neither in which scene nor, reliably, with which type of error
            reason = first_line(f"DALI: {error}")
            self._redone(Redone("decode", tuple(scene.name for scene in scenes), reason))
            self._pipeline = self._build_where_possible()  # one that has thrown cannot be used again
            if len(scenes) == 1:
                return [None]
            return [outcome for scene in scenes for outcome in self._try_together([scene])]
        pixels = _take_from_gpu(output) if self._gpu else _take_from_cpu(output)
        return [
            Decoded(array, notes=scene.header.notes) if tuple(array.shape) == (*scene.shape, 3) else None
            for scene, array in zip(scenes, pixels, strict=True)
        ]

    def _build_where_possible(self) -> Any:
        """Build a pipeline of DALI where one is wanted and can be built; None where libtiff is to read."""
        if self._gpu:
            import torch

            self._gpu = torch.cuda.is_available()  # where torch cannot take them, pixels must not be there
        while self._gpu or DALI_ON_CPU:
            try:
                return self._build()
            except Exception as error:
                reason = first_line(f"{type(error).__name__}: {error}")
                reason = f"DALI cannot decode on the {'GPU' if self._gpu else 'CPU'}: {reason}"
                self._say(f"infer: {reason}")
                self._redone(Redone("start", (), reason))
            if not self._gpu:
                break
            self._gpu = False
        return None

    def _build(self) -> Any:
        dali: Any = import_module("nvidia.dali")  # its stubs lack half of what it has
        pipeline = dali.Pipeline(
            batch_size=self._max_scenes,
            num_threads=min(MAX_THREADS, cpus()),
            device_id=0 if self._gpu else None,
            prefetch_queue_depth=1,  # the reader's own queue runs ahead: a failure then belongs to one batch
        )
        with pipeline:
            source = {"batch": True, "dtype": dali.types.UINT8, "ndim": 1}
            encoded = dali.fn.external_source(lambda: self._encoded, **source)
            # The padding hints are meant for JPEG and would only take memory here.
            padding = {"host_memory_padding": 0, "device_memory_padding": 0} if self._gpu else {}
            device = "mixed" if self._gpu else "cpu"
            rgb = {"device": device, "output_type": dali.types.RGB}
            pipeline.set_outputs(dali.fn.decoders.image(encoded, **rgb, **padding))
        pipeline.build()
        return pipeline


def _is_for_dali(scene: Readable) -> bool:
    """Tell whether a scene is plain RGB and not far larger than its pixels: DALI is given whole files."""
    height, width = scene.shape
    max_bytes = 2 * height * width * scene.header.samples + 2**20
    try:
        return scene.header.is_plain_rgb and scene.path.stat().st_size <= max_bytes
    except OSError:  # it has gone since it was listed: the fallback says so
        return False


def _take_from_cpu(output: Any) -> list[Pixels]:
    """Copy a DALI CPU batch: DALI uses its buffers again."""
    return [np.array(output.at(i)) for i in range(len(output))]


def _take_from_gpu(output: Any) -> list[Pixels]:
    """Copy a DALI GPU batch to torch tensors, before DALI may use its buffers again.

    They are NumPy arrays where torch finds no room on the GPU for the copies.
    """
    import torch
    from torch.utils.dlpack import from_dlpack

    try:
        pixels: list[Pixels] = [from_dlpack(output[i]).clone() for i in range(len(output))]
        torch.cuda.current_stream().synchronize()
    except torch.OutOfMemoryError:
        return _take_from_cpu(output.as_cpu())
    return pixels
