"""Whether an error means that memory ran out, which a smaller tile helps against."""

from __future__ import annotations

# How the CPU's allocators, oneDNN, CUDA's libraries, cuDNN, ONNX Runtime and OpenVINO say it.
_SIGNS = (
    "out of memory",
    "can't alloc",
    "ALLOC_FAILED",
    "unable to find an engine",
    "Failed to allocate",
    "bad_alloc",
    "bad allocation",
    "could not create a primitive",  # oneDNN's one text for all it cannot make, code that finds no memory too
)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory ran out, on any device and in any engine."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _SIGNS)
