"""Pixels of TIFF files by NVIDIA DALI; the fallback reads what DALI cannot, and small jobs on a CPU."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from infer.scenes import Scene

if TYPE_CHECKING:
    import torch
    from nvidia.dali import Pipeline
    from nvidia.dali.backend import TensorListCPU, TensorListGPU

    Pixels = np.ndarray | torch.Tensor
    # pixels, or the reason why there are none; where the scene has data, None for everywhere
    Outcome = tuple[Pixels | None, str | None, np.ndarray | None]

MOST_THREADS = 8
# Pixels in a job from which DALI is worth its import on a CPU: that takes 0.4 s more than tifffile's, which
# needs 5 ms more per megapixel. A GPU has no other decoder.
WORTH_DALI = 80_000_000


class DecodeError(Exception):
    """A scene cannot be decoded; the message says why."""


class Decoder:
    """Decodes batches of scenes to uint8 [H, W, 3] RGB: NumPy arrays, or CUDA tensors with gpu=True.

    pixels: of all scenes to come, by which the decoder is chosen.
    """

    def __init__(self, gpu: bool, most_scenes: int, pixels: int, say: Callable[[str], None]) -> None:
        self._gpu = gpu
        self._most_scenes = most_scenes
        self._say = say
        self._said_bands = False
        self._encoded: list[np.ndarray] = []
        self._pipeline = self._build_where_possible() if gpu or pixels >= WORTH_DALI else None

    def decode(self, scenes: list[Scene]) -> list[Outcome]:
        """Pixels or the reason for their absence, in the order of the scenes. One bad file costs no other."""
        for_dali = [scene for scene in scenes if _is_for_dali(scene)]
        decoded = dict(zip(for_dali, self._try_together(for_dali), strict=True))
        return [decoded.get(scene) or self._fall_back(scene) for scene in scenes]

    def _fall_back(self, scene: Scene) -> Outcome:
        from infer.read.tifffile_reader import read_scene  # slow to import, and not always needed

        try:
            read = read_scene(scene.path, scene.header)
        except DecodeError as error:
            return None, str(error), None
        except MemoryError:
            return None, "no memory to decode it", None
        if read.left_out and not self._said_bands:
            self._said_bands = True  # a job has hundreds of such scenes, or none
            self._say(f"infer: {scene.name}: only the first three of its bands are used; likewise in others")
        return read.pixels, None, read.valid

    def _try_together(self, scenes: list[Scene]) -> list[Outcome | None]:
        """None stands for a scene that DALI failed on; when a batch fails, each is tried alone."""
        if not scenes or self._pipeline is None:
            return [None] * len(scenes)
        try:
            self._encoded = [np.fromfile(scene.path, np.uint8) for scene in scenes]
            (output,) = self._pipeline.run()
        except Exception:  # DALI says neither in which scene nor, reliably, with which type of error
            self._pipeline = self._build_where_possible()  # one that has thrown cannot be used again
            if len(scenes) == 1:
                return [None]
            return [outcome for scene in scenes for outcome in self._try_together([scene])]
        pixels = _take_from_gpu(output) if self._gpu else _take_from_cpu(output)
        return [
            (array, None, None) if tuple(array.shape) == (*scene.shape, 3) else None
            for scene, array in zip(scenes, pixels, strict=True)
        ]

    def _build_where_possible(self) -> Pipeline | None:
        """A pipeline on the GPU, else on the CPU, else none: every scene then goes to the fallback."""
        if self._gpu:
            import torch

            self._gpu = torch.cuda.is_available()  # where torch cannot take them, pixels must not be there
        for gpu in (True, False) if self._gpu else (False,):
            self._gpu = gpu
            try:
                return self._build()
            except Exception as error:
                reason = f"{type(error).__name__}: {error}".strip().splitlines()[0]
                self._say(f"infer: DALI cannot decode on the {'GPU' if gpu else 'CPU'}: {reason}")
        return None

    def _build(self) -> Pipeline:
        from nvidia.dali import Pipeline, fn, types

        pipeline = Pipeline(
            batch_size=self._most_scenes,
            num_threads=min(MOST_THREADS, len(os.sched_getaffinity(0))),
            device_id=0 if self._gpu else None,
            prefetch_queue_depth=1,  # the reader's own queue runs ahead: a failure then belongs to one batch
        )
        with pipeline:
            encoded = fn.external_source(lambda: self._encoded, batch=True, dtype=types.UINT8, ndim=1)
            # The padding hints are meant for JPEG and would only take memory here.
            padding = {"host_memory_padding": 0, "device_memory_padding": 0} if self._gpu else {}
            device = "mixed" if self._gpu else "cpu"
            pipeline.set_outputs(fn.decoders.image(encoded, device=device, output_type=types.RGB, **padding))
        pipeline.build()
        return pipeline


def _is_for_dali(scene: Scene) -> bool:
    """Plain RGB in a file that is not far larger than its pixels: DALI is given whole files, in memory."""
    height, width = scene.shape
    most = 2 * height * width * scene.header.samples + 2**20
    try:
        return scene.header.is_plain_rgb and scene.path.stat().st_size <= most
    except OSError:  # it has gone since it was listed: the fallback says so
        return False


def _take_from_cpu(output: TensorListCPU) -> list[np.ndarray]:
    """Copies of a DALI CPU batch: DALI uses its buffers again."""
    return [np.array(output.at(i)) for i in range(len(output))]


def _take_from_gpu(output: TensorListGPU) -> list[Pixels]:
    """Copies of a DALI GPU batch as torch tensors, finished before DALI may use its buffers again.

    NumPy arrays where torch finds no room on the GPU for the copies.
    """
    import torch

    try:
        pixels = [torch.from_dlpack(output[i]).clone() for i in range(len(output))]
        torch.cuda.current_stream().synchronize()
    except torch.OutOfMemoryError:
        return _take_from_cpu(output.as_cpu())
    return pixels
