"""Any network by torch: on CUDA in fp16, on a CPU in fp32."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch

from infer.errors import EngineUnusableError, NotFiniteError
from infer.network.torch_model import Model, model_of
from infer.network.weights_file import Slim
from infer.predict.engine import ICE
from infer.process.limits import cpus

DTYPES = {"fp16": torch.float16, "fp32": torch.float32}


class TorchEngine:
    """A copy of the model's network on a device, "cuda" or "cpu".

    precision: one of DTYPES; None for what suits the device.
    """

    name = "torch"
    prepares_shapes = False  # cuDNN may, which has not been measured

    def __init__(self, model: Model, device: str, precision: str | None = None) -> None:
        self.device, self._model = device, model
        if device == "cpu":
            torch.set_num_threads(min(cpus(), torch.get_num_threads()))
        else:
            torch.backends.cudnn.allow_tf32 = False  # what is called fp32 shall be that
        self.precision = precision or _precision(device)
        dtype = DTYPES[self.precision]
        network = copy.deepcopy(model.network)  # the fp32 original stays for another device
        network = network.to(device, dtype)
        self._network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        shape = (1, 3, 1, 1)
        self._mean = torch.tensor(model.mean, device=device, dtype=dtype).view(shape)
        self._std = torch.tensor(model.std, device=device, dtype=dtype).view(shape)
        self._planned: dict[tuple[int, int], int] = {}  # the largest batch so far by height and width

    def forward(self, windows: Sequence[np.ndarray | torch.Tensor]) -> np.ndarray:
        """Turn B tiles uint8 [h, w, 3] into masks uint8 [B, h, w], 0 and 255; raises NotFiniteError."""
        return self.begin(windows)()

    @torch.inference_mode()
    def begin(self, windows: Sequence[np.ndarray | torch.Tensor]) -> Callable[[], np.ndarray]:
        """Begin a forward pass: a GPU is told all of it. What is returned waits and gives forward's masks."""
        pixels = self._as_planned(self._on_device(windows))
        x = pixels.permute(0, 3, 1, 2)  # [B, 3, h, w], channels last as it lies in memory
        x = (x.to(self._mean.dtype) - self._mean) / self._std
        logits = self._network(x)[: len(windows)]  # [B, 2, h, w]
        masks = (logits[:, 1] > logits[:, 0]).to(torch.uint8).mul_(ICE)
        finite = logits.sum(dtype=torch.float32).isfinite()  # it is where all logits are
        self._planned[masks.shape[1], masks.shape[2]] = len(x)
        return self._to_cpu(masks, finite) if self.device == "cuda" else lambda: _checked(masks, finite)

    def _on_device(self, windows: Sequence[np.ndarray | torch.Tensor]) -> torch.Tensor:
        """Stack tiles on the device, uint8 [B, h, w, 3]; from memory that a GPU reads while we go on."""
        arrays = [torch.as_tensor(window) for window in windows]
        if self.device == "cpu" or not all(isinstance(window, np.ndarray) for window in windows):
            return torch.stack([array.to(self.device) for array in arrays])
        pinned = torch.empty(len(arrays), *arrays[0].shape, dtype=torch.uint8, pin_memory=True)
        return torch.stack(arrays, out=pinned).to(self.device, non_blocking=True)

    def _as_planned(self, pixels: torch.Tensor) -> torch.Tensor:
        """Fill a small batch up to a size that a GPU has seen: a new one costs cuDNN's choice of kernels.

        The pixels of a batch change nothing for each other.
        """
        missing = self._planned.get((pixels.shape[1], pixels.shape[2]), 0) - len(pixels)
        if self.device != "cuda" or missing <= 0:
            return pixels
        return torch.cat((pixels, pixels.new_zeros(missing, *pixels.shape[1:])))

    def _to_cpu(self, masks: torch.Tensor, finite: torch.Tensor) -> Callable[[], np.ndarray]:
        """Copy both through pinned memory, which torch keeps for the next ones; one wait is for both."""
        pinned = torch.empty(masks.numel() + 1, dtype=torch.uint8, pin_memory=True)
        copied, verdict = pinned[:-1].view(masks.shape), pinned[-1:]
        copied.copy_(masks, non_blocking=True)
        verdict.copy_(finite.view(1), non_blocking=True)
        done = torch.cuda.Event()
        done.record()

        def wait() -> np.ndarray:
            done.synchronize()
            return _checked(copied, verdict)

        return wait

    def more_precise(self) -> TorchEngine | None:
        """Return the same network on the same device in fp32; None where this one computes in that."""
        return None if self.precision == "fp32" else TorchEngine(self._model, self.device, "fp32")

    def peak_gpu_bytes(self) -> int:
        """Return the most GPU memory that torch has held so far; DALI's own is not in it."""
        return torch.cuda.max_memory_reserved() if torch.cuda.is_initialized() else 0

    def release(self) -> None:
        """Give memory back to DALI, which cannot use what torch holds for later."""
        self._planned.clear()
        if self.device == "cuda":
            torch.cuda.empty_cache()


def on_gpu(slim: Slim) -> TorchEngine:
    """Return the network on the GPU; raises UsageError for weights that do not fit.

    Raises EngineUnusableError where torch finds no GPU, and whatever torch raises where that fails.
    """
    with warnings.catch_warnings():  # torch warns at length when the driver is too old
        warnings.simplefilter("ignore")
        if not torch.cuda.is_available():
            raise EngineUnusableError("torch finds none that it can use")
    return TorchEngine(model_of(slim), "cuda")


def _checked(masks: torch.Tensor, finite: torch.Tensor) -> np.ndarray:
    if not finite:
        raise NotFiniteError
    return masks.numpy()


def _precision(device: str) -> str:
    return "fp16" if device == "cuda" else "fp32"
