"""The GPUs of this machine through NVML, NVIDIA's library of its driver."""

from __future__ import annotations

from typing import Any


class Gpus:
    """All GPUs of the machine; none where NVML finds no driver, or a broken one."""

    def __init__(self) -> None:
        self._handles: list[Any] = []
        try:
            import pynvml

            pynvml.nvmlInit()
            self._nvml = pynvml
            self._handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        except Exception:  # whatever is wrong with a driver, the run is judged without it
            self._handles = []

    def names(self) -> list[str]:
        """Return the name of each GPU."""
        try:
            return [str(self._nvml.nvmlDeviceGetName(handle)) for handle in self._handles]
        except Exception:
            return []

    def sample(self) -> tuple[int, float] | None:
        """Return bytes in use on all GPUs, and the mean share (0 to 1) of time in which they were busy.

        None without a GPU, and from the first failure on.
        """
        if not self._handles:
            return None
        try:
            used = [self._nvml.nvmlDeviceGetMemoryInfo(handle).used for handle in self._handles]
            busy = [self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu for handle in self._handles]
        except Exception:
            self._handles = []
            return None
        return sum(used), sum(busy) / len(busy) / 100
