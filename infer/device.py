"""What can be known of the device before torch is there."""

from __future__ import annotations

from pathlib import Path

# Pixels in one forward pass: enough to keep a GPU busy; on a CPU a larger batch only takes memory.
_PIXELS_AT_ONCE = {True: 8 * 1024**2, False: 1024**2}


def gpu_visible() -> bool:
    """Whether a driver offers an NVIDIA GPU here, usable or not (/dev/dxg: inside Windows' Linux)."""
    return any(Path("/dev", node).exists() for node in ("nvidiactl", "dxg"))


def batch_size(shape: tuple[int, int], gpu: bool) -> int:
    """How many tiles of a shape (height, width in pixels) go through the network at once."""
    return max(1, _PIXELS_AT_ONCE[gpu] // (shape[0] * shape[1]))
