"""The GPU before torch is there: which jobs are worth one, and its context, opened beside torch's import."""

from __future__ import annotations

import ctypes
import threading
from pathlib import Path

from infer.errors import UsageError
from infer.predict.hardware import gpu_visible
from infer.process.image import in_image

# Pixels of a job from which on "auto" takes a GPU: 64 scenes of 512 x 512. torch, CUDA and cuDNN are said to
# start in 3 to 5 s, in which two cores predict about as much. A guess, until it is measured on a GPU.
WORTH_GPU = 64 * 512**2
DRIVER = "libcuda.so.1"
FAILS_AT_ONCE = 0.02  # seconds in which a driver that is missing, or too old for the kernel's part, says so


def device_for(wanted: str, pixels: int, weights: Path) -> str:
    """Return "cpu", or `wanted` ("auto" or "cuda") where a GPU is to be tried for a job of so many pixels.

    A GPU that the user asks for is tried however small the job is, and so is one for any network but the
    fast one: that is slow on a CPU, and needs torch there too.
    """
    if wanted != "auto":
        return wanted
    if not gpu_visible():
        return "cpu"
    from infer.network.weights_file import (
        FAST,
        architecture_of,
    )  # only where there is a GPU: it takes its time

    return "auto" if pixels >= WORTH_GPU or architecture_of(weights) != FAST else "cpu"


class GpuContext:
    """CUDA's primary context of the first GPU, which torch and DALI use, opened in a thread of its own.

    Source: CUDA Driver API, Primary Context Management. It is never given back: it ends with the process.
    """

    def __init__(self) -> None:
        self._fault: str | None = None
        self._thread = threading.Thread(target=self._open, name="cuda", daemon=True)
        self._thread.start()

    def fault(self, seconds: float | None = None) -> str | None:
        """Return why there is no usable GPU, None where there is one; waits until that is known.

        seconds: to wait at most; None is then said of what is not known yet, too.
        """
        self._thread.join(seconds)
        return self._fault

    def _open(self) -> None:
        self._fault = open_context()


def open_context() -> str | None:
    """Open the context; return why that failed, None where it did not."""
    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError:
        return f"the driver's {DRIVER} is not here"
    device, context = ctypes.c_int(), ctypes.c_void_p()
    code: int = (
        driver.cuInit(0)
        or driver.cuDeviceGet(ctypes.byref(device), 0)
        or driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device)
    )
    if not code:
        return None
    text = ctypes.c_char_p()
    driver.cuGetErrorString(code, ctypes.byref(text))
    return f"CUDA error {code}: {(text.value or b'unknown').decode(errors='replace')}"


def unusable(reason: str) -> UsageError:
    """Return the error for --device cuda without a usable GPU."""
    flag = " and --gpus all" if in_image() else ", or leave --device out"
    return UsageError(f"--device cuda, but there is no usable GPU ({reason}): check `nvidia-smi`{flag}")
