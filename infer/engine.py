"""What computes masks of tiles: torch on CUDA, on a CPU ONNX Runtime for the fast network, else torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from infer.device import gpu_visible
from infer.slim import FAST, Slim

if TYPE_CHECKING:
    import torch

ICE = 255


class NotFiniteError(ArithmeticError):
    """A logit is infinite or not a number: what it decides would be a guess."""

    def __init__(self) -> None:
        super().__init__("the network's output is not finite")


class Engine(Protocol):
    """device: "cuda" or "cpu". precision: "fp16" or "fp32"."""

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


def import_engine(slim: Slim, wanted: str) -> None:
    """Import what start_engine will need, so that this can be timed by itself."""
    if _tries_gpu(wanted) or slim.architecture != FAST:
        import infer.torch_engine
    else:
        import infer.onnx_engine  # noqa: F401


def start_engine(slim: Slim, wanted: str, say: Callable[[str], None]) -> Engine:
    """The engine for --device `wanted`.

    A GPU is tried first; with "auto" one that fails is passed over.

    Raises UsageError for --device cuda without a usable GPU, and for weights that do not fit.
    """
    if _tries_gpu(wanted):
        from infer.torch_engine import start_on_gpu

        engine = start_on_gpu(slim, wanted == "cuda", say)
        if engine is not None:
            return engine
    return start_on_cpu(slim)


def _tries_gpu(wanted: str) -> bool:
    return wanted == "cuda" or (wanted == "auto" and gpu_visible())


def start_on_cpu(slim: Slim) -> Engine:
    """The fastest engine on a CPU, start included, in fp32; raises UsageError for weights that do not fit.

    bf16 would be faster on some, but 0.13 % of the pixels of the embedded split then get another class.
    """
    if slim.architecture == FAST:
        from infer.onnx_engine import OnnxEngine

        return OnnxEngine(slim)
    from infer.torch_engine import TorchEngine
    from infer.weights import model_of

    return TorchEngine(model_of(slim), "cpu")
