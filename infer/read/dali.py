"""NVIDIA DALI as the reader of plain RGB TIFFs, on the way to a GPU or on a CPU, damage refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from infer.process.environment import FOLDER_OF_CODECS
from infer.process.limits import cpus

if TYPE_CHECKING:
    from infer.predict.engine import Pixels

MAX_THREADS = 8
CODECS = "nvidia.nvimgcodec"
# The only one that reports damage. What DALI would turn to first (nvTIFF, on a GPU) or next (an OpenCV of its
# own) fills what is missing with zeros and reports success.
CODEC = "libtiff_ext"


class DaliReader:
    """Decodes batches of at most max_scenes; with gpu=True the pixels end on the GPU.

    Raises whatever DALI raises where it cannot be had.
    """

    def __init__(self, max_scenes: int, gpu: bool) -> None:
        self._gpu = gpu
        self._encoded: list[np.ndarray] = []
        self._pipeline = build(max_scenes, gpu, lambda: self._encoded)

    def read(self, encoded: list[np.ndarray]) -> list[Pixels]:
        """Return uint8 [H, W, 3] RGB for whole files, uint8 [N] each: arrays, or CUDA tensors.

        They are arrays too where the GPU does not take them. Raises whatever DALI raises, for the batch as a
        whole; after that the object is of no more use.
        """
        self._encoded = encoded
        (output,) = self._pipeline.run()
        if not self._gpu:
            return _arrays(output)
        try:
            return _tensors(output)
        except Exception:  # no room, or a GPU that fails: the network's pass will show it
            return _arrays(output.as_cpu())


def build(max_scenes: int, gpu: bool, source: Any) -> Any:
    """Build a pipeline of DALI around `source`, which returns the files of a batch."""
    with only_that_codec():
        dali: Any = import_module("nvidia.dali")  # its stubs lack half of what it has
        pipeline = dali.Pipeline(
            batch_size=max_scenes,
            num_threads=min(MAX_THREADS, cpus()),
            device_id=0 if gpu else None,
            prefetch_queue_depth=1,  # the reader's own queue runs ahead: a failure then belongs to one batch
        )
        with pipeline:
            encoded = dali.fn.external_source(source, batch=True, dtype=dali.types.UINT8, ndim=1)
            # Not "mixed": its decoders are those of a GPU.
            rgb = dali.fn.decoders.image(encoded, device="cpu", output_type=dali.types.RGB)
            pipeline.set_outputs(rgb.gpu() if gpu else rgb)
        pipeline.build()
        return pipeline


@contextmanager
def only_that_codec() -> Iterator[None]:
    """Let DALI find one codec only: it looks through a folder when a pipeline is built, and never again."""
    package = find_spec(CODECS)
    if package is None or not package.submodule_search_locations:
        raise ImportError(f"no module named {CODECS}")
    there = Path(package.submodule_search_locations[0]) / "extensions"
    folder = Path(os.environ[FOLDER_OF_CODECS])
    folder.mkdir(mode=0o700)
    try:
        for library in there.glob(f"{CODEC}*"):
            (folder / library.name).symlink_to(library)
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _arrays(output: Any) -> list[Pixels]:
    """Copy a batch on the CPU: DALI uses its buffers again."""
    return [np.array(output.at(i)) for i in range(len(output))]


def _tensors(output: Any) -> list[Pixels]:
    """Copy a batch on the GPU to tensors of torch, before DALI may use its buffers again."""
    import torch
    from torch.utils.dlpack import from_dlpack

    with torch.cuda.stream(_copies()):  # else we would wait for the batch that the network has at hand
        copies = [from_dlpack(output[i]).clone() for i in range(len(output))]
    _copies().synchronize()
    for tensor in copies:
        tensor.record_stream(torch.cuda.current_stream())  # which reads it, and must have before it is free
    return list(copies)


@cache
def _copies() -> Any:
    """Return the stream of CUDA in which batches are copied."""
    import torch

    return torch.cuda.Stream()
