"""What can be known of the device before torch is there."""

from __future__ import annotations

from pathlib import Path

# Pixels in one forward pass: enough to keep a GPU busy; on a CPU a larger batch only takes memory.
_PIXELS_AT_ONCE = {True: 8 * 1024**2, False: 1024**2}


def gpu_visible() -> bool:
    """Tell whether a driver offers an NVIDIA GPU here, usable or not (/dev/dxg: inside Windows' Linux)."""
    return any(Path("/dev", node).exists() for node in ("nvidiactl", "dxg"))


def pixels_at_once(gpu: bool) -> int:
    """Return how many pixels go through the network at once where tiles are smaller than that."""
    return _PIXELS_AT_ONCE[gpu]


def batch_size(shape: tuple[int, int], gpu: bool) -> int:
    """Return how many tiles of a shape (height, width in pixels) go through the network at once."""
    return max(1, pixels_at_once(gpu) // (shape[0] * shape[1]))


def cpu_is_fast_at_bf16(facts: Path = Path("/proc/cpuinfo")) -> bool:
    """Tell whether this CPU multiplies bf16 faster than fp32: with AMX, or as AMD's AVX-512 does.

    Intel's AVX-512 has the instructions too, but runs them at the pace of fp32, and what goes to and fro
    makes a network slower: 1.4 times, as measured on a Xeon whose AMX was hidden.
    """
    try:
        lines = facts.read_text().splitlines()
    except OSError:
        return False
    fields = dict(line.partition(":")[::2] for line in lines[:40])
    known = {name.strip(): value.split() for name, value in fields.items()}
    flags = known.get("flags", [])
    return "amx_bf16" in flags or ("avx512_bf16" in flags and known.get("vendor_id") == ["AuthenticAMD"])
