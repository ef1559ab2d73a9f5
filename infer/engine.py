"""What computes masks of tiles: torch on CUDA, on a CPU ONNX Runtime for the fast network, else torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from infer.device import fast_bf16, gpu_visible
from infer.slim import FAST, Slim

if TYPE_CHECKING:
    import torch

ICE = 255
# Scenes of so many pixels together are worth torch's start of seconds where the CPU is fast at bf16.
WORTH_TORCH = 12e6


class NotFiniteError(ArithmeticError):
    """A logit is infinite or not a number: what it decides would be a guess."""

    def __init__(self) -> None:
        super().__init__("the network's output is not finite")


class Engine(Protocol):
    """device: "cuda" or "cpu". precision: "fp16", "bf16" or "fp32"."""

    device: str
    precision: str

    def forward(self, windows: list[np.ndarray | torch.Tensor]) -> np.ndarray:
        """B tiles uint8 [h, w, 3], sides multiples of the stride -> uint8 [B, h, w], 0 and ICE.

        Raises NotFiniteError.
        """
        ...

    def more_precise(self) -> Engine | None:
        """The same network on the same device in fp32; None where that is what this one computes in."""
        ...

    def peak_gpu_bytes(self) -> int:
        """Most GPU memory held so far."""
        ...

    def release(self) -> None:
        """Give back memory that is held for later."""
        ...


def import_engine(slim: Slim, wanted: str, pixels: int) -> None:
    """Import what start_engine will need, so that this can be timed by itself."""
    if _tries_gpu(wanted) or not _takes_onnx(slim, pixels):
        import infer.torch_engine
    else:
        import infer.onnx_engine  # noqa: F401


def start_engine(slim: Slim, wanted: str, pixels: int, say: Callable[[str], None]) -> Engine:
    """The engine for --device `wanted` and scenes of so many pixels together.

    A GPU is tried first; with "auto" one that fails is passed over.

    Raises UsageError for --device cuda without a usable GPU, and for weights that do not fit.
    """
    if _tries_gpu(wanted):
        from infer.torch_engine import start_on_gpu

        engine = start_on_gpu(slim, wanted == "cuda", say)
        if engine is not None:
            return engine
    return start_on_cpu(slim, pixels)


def _takes_onnx(slim: Slim, pixels: int) -> bool:
    return slim.architecture == FAST and not (pixels > WORTH_TORCH and fast_bf16())


def _tries_gpu(wanted: str) -> bool:
    return wanted == "cuda" or (wanted == "auto" and gpu_visible())


def start_on_cpu(slim: Slim, pixels: int) -> Engine:
    """The fastest engine on a CPU, start included; raises UsageError for weights that do not fit."""
    if _takes_onnx(slim, pixels):
        from infer.onnx_engine import OnnxEngine

        return OnnxEngine(slim)
    from infer.torch_engine import TorchEngine
    from infer.weights import model_of

    return TorchEngine(model_of(slim), "cpu")
