"""Any network by torch: on CUDA in fp16, on a CPU in fp32."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch

from infer.errors import NotFiniteError, UsageError
from infer.network.architecture import STRIDE
from infer.network.torch_model import Model, model_of
from infer.network.weights_file import Slim
from infer.predict.engine import ICE
from infer.predict.hardware import gpu_visible
from infer.process.image import in_image
from infer.process.limits import cpus
from infer.process.text import first_line

DTYPES = {"fp16": torch.float16, "fp32": torch.float32}


class TorchEngine:
    """A copy of the model's network on a device, "cuda" or "cpu".

    precision: one of DTYPES; None for what suits the device.
    """

    prepares_shapes = False  # cuDNN may, which has not been measured

    def __init__(self, model: Model, device: str, precision: str | None = None) -> None:
        self.device, self._model = device, model
        if device == "cpu":
            torch.set_num_threads(min(cpus(), torch.get_num_threads()))
        self.precision = precision or _precision(device)
        dtype = DTYPES[self.precision]
        network = copy.deepcopy(model.network)  # the fp32 original stays for another device
        network = network.to(device, dtype)
        self._network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        shape = (1, 3, 1, 1)
        self._mean = torch.tensor(model.mean, device=device, dtype=dtype).view(shape)
        self._std = torch.tensor(model.std, device=device, dtype=dtype).view(shape)

    @torch.inference_mode()
    def forward(self, windows: Sequence[np.ndarray | torch.Tensor]) -> np.ndarray:
        """Turn B tiles uint8 [h, w, 3] into masks uint8 [B, h, w], 0 and 255; raises NotFiniteError."""
        pixels = torch.stack([torch.as_tensor(window).to(self.device) for window in windows])
        x = pixels.permute(0, 3, 1, 2)  # [B, 3, h, w], channels last as it lies in memory
        x = (x.to(self._mean.dtype) - self._mean) / self._std
        logits = self._network(x)  # [B, 2, h, w]
        ice = logits[:, 1] > logits[:, 0]
        masks: np.ndarray = ice.to(torch.uint8).mul_(ICE).cpu().numpy()
        if not logits.sum(dtype=torch.float32).isfinite():  # it is where all logits are
            raise NotFiniteError
        return masks

    def more_precise(self) -> TorchEngine | None:
        """Return the same network on the same device in fp32; None where this one computes in that."""
        return None if self.precision == "fp32" else TorchEngine(self._model, self.device, "fp32")

    def peak_gpu_bytes(self) -> int:
        """Return the most GPU memory that torch has held so far; DALI's own is not in it."""
        return torch.cuda.max_memory_reserved() if torch.cuda.is_initialized() else 0

    def release(self) -> None:
        """Give memory back to DALI, which cannot use what torch holds for later."""
        if self.device == "cuda":
            torch.cuda.empty_cache()


def start_on_gpu(slim: Slim, required: bool, say: Callable[[str], None]) -> TorchEngine | None:
    """Start the network on the GPU and try one tile; None where there is no usable GPU and none is required.

    Raises UsageError where one is required, and for weights that do not fit.
    """
    with warnings.catch_warnings():  # torch warns at length when the driver is too old
        warnings.simplefilter("ignore")
        usable = torch.cuda.is_available()
    if not usable:
        if required:
            flag = " and --gpus all" if in_image() else ", or leave --device out"
            raise UsageError(f"--device cuda, but torch finds no usable GPU: check `nvidia-smi`{flag}")
        if gpu_visible():
            say("infer: running on the CPU, torch cannot use the GPU: check its driver")
        return None
    model = model_of(slim)
    try:
        engine = TorchEngine(model, "cuda")
        engine.forward([np.zeros((STRIDE, STRIDE, 3), np.uint8)])
        return engine
    except RuntimeError as error:
        reason = first_line(error)
        if required:
            raise UsageError(f"--device cuda, but the GPU fails: {reason}") from None
        say(f"infer: running on the CPU, the GPU fails: {reason}")
        return None


def _precision(device: str) -> str:
    return "fp16" if device == "cuda" else "fp32"
