"""Keep the memory of one training step for the next one."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # mallopt(3)
MAX_INT, NEVER, CHUNK = 2**31 - 1, -1, 2**26  # bytes


def keep_freed_memory() -> bool:
    """Let the C library keep what is freed; returns False where it is not glibc and nothing was changed.

    By default it gives every freed tensor of more than 32 MB back to the system and gets it again, page by
    page, in the next step: on a virtual machine a third of the time of a step.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    options = ((M_MMAP_THRESHOLD, MAX_INT), (M_TRIM_THRESHOLD, NEVER), (M_TOP_PAD, CHUNK))
    return all(mallopt(name, value) for name, value in options)
