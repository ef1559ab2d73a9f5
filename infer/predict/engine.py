"""What an engine is: it computes the masks of tiles, on one device and in one precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    import torch

    Pixels = np.ndarray | torch.Tensor  # uint8 [h, w, 3]; tensors of torch where they were decoded on a GPU

ICE = 255  # in a mask; all else is 0


class Engine(Protocol):
    """name: as the report has it. device: "cuda" or "cpu". precision: "fp16", "bf16" or "fp32".

    prepares_shapes: each new shape of its input costs time, however small it is.
    """

    @property
    def name(self) -> str:
        """Whose kernels compute."""

    @property
    def device(self) -> str:
        """Where it computes."""

    @property
    def precision(self) -> str:
        """What it computes in."""

    @property
    def prepares_shapes(self) -> bool:
        """Whether new shapes cost time."""

    def forward(self, windows: Sequence[Pixels]) -> np.ndarray:
        """Turn B tiles uint8 [h, w, 3], sides multiples of the stride, into masks uint8 [B, h, w], 0 and ICE.

        Raises NotFiniteError.
        """

    def more_precise(self) -> Engine | None:
        """Return the same network on the same device in fp32; None where this one computes in that."""

    def peak_gpu_bytes(self) -> int | None:
        """Return the most GPU memory held so far, None where the engine does not tell."""

    def release(self) -> None:
        """Give back memory that is held for later."""


@runtime_checkable
class Overlapping(Protocol):
    """An engine that computes beside the thread that asks it."""

    def begin(self, windows: Sequence[Pixels]) -> Callable[[], np.ndarray]:
        """Begin Engine.forward; what is returned waits for it, and gives and raises what that does."""
