"""Pixels of TIFF files by NVIDIA DALI; what DALI cannot read goes to the fallback, file by file."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import numpy as np
from nvidia.dali import Pipeline, fn, types

from infer.scenes import Scene

if TYPE_CHECKING:
    import torch

    Pixels = np.ndarray | torch.Tensor
    Outcome = tuple[Pixels | None, str | None]  # pixels, or the reason why there are none

MOST_THREADS = 8


class DecodeError(Exception):
    """A scene cannot be decoded; the message says why."""


class Decoder:
    """Decodes batches of scenes to uint8 [H, W, 3] RGB: NumPy arrays, or CUDA tensors with gpu=True."""

    def __init__(self, gpu: bool, most_scenes: int) -> None:
        self._gpu = gpu
        self._most_scenes = most_scenes
        self._encoded: list[np.ndarray] = []
        self._pipeline = self._build_where_possible()

    def decode(self, scenes: list[Scene]) -> list[Outcome]:
        """Pixels or the reason for their absence, in the order of the scenes. One bad file costs no other."""
        for_dali = [scene for scene in scenes if scene.header.is_plain_rgb]
        decoded = dict(zip(for_dali, self._try_together(for_dali), strict=True))
        return [decoded.get(scene) or _fall_back(scene) for scene in scenes]

    def _try_together(self, scenes: list[Scene]) -> list[Outcome | None]:
        """None stands for a scene that DALI failed on; when a batch fails, each is tried alone."""
        if not scenes:
            return []
        try:
            pixels = self._run(scenes)
        except (RuntimeError, OSError):  # DALI does not say which one it was
            self._pipeline = self._build()  # a pipeline that has thrown cannot be used again
            if len(scenes) == 1:
                return [None]
            return [outcome for scene in scenes for outcome in self._try_together([scene])]
        return [
            (array, None) if tuple(array.shape) == (*scene.shape, 3) else None
            for scene, array in zip(scenes, pixels, strict=True)
        ]

    def _run(self, scenes: list[Scene]) -> list[Pixels]:
        self._encoded = [np.fromfile(scene.path, np.uint8) for scene in scenes]
        (output,) = self._pipeline.run()
        if self._gpu:
            return _take_from_gpu(output)
        return [np.array(output.at(i)) for i in range(len(output))]  # a copy: DALI uses its buffers again

    def _build_where_possible(self) -> Pipeline:
        if self._gpu:
            try:
                return self._build()
            except RuntimeError as error:
                reason = str(error).strip().splitlines()[-1]
                print(f"infer: decoding on the CPU, DALI cannot use the GPU: {reason}", file=sys.stderr)
                self._gpu = False
        return self._build()

    def _build(self) -> Pipeline:
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


def _take_from_gpu(output) -> list[torch.Tensor]:
    """Copies of a DALI GPU batch as torch tensors, finished before DALI may use its buffers again."""
    import torch

    pixels = [torch.from_dlpack(output[i]).clone() for i in range(len(output))]
    torch.cuda.current_stream().synchronize()
    return pixels


def _fall_back(scene: Scene) -> Outcome:
    from infer.fallback import read_tiff  # slow to import, and seldom needed

    try:
        return read_tiff(scene.path, scene.shape), None
    except DecodeError as error:
        return None, str(error)
