"""Masks from pixels: the device, the precision, the batches, and what happens when memory runs out."""

from __future__ import annotations

import copy
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from infer.device import batch_size, gpu_visible
from infer.settings import STRIDE, Settings, UsageError
from infer.tiles import crop, grid, stitch
from infer.weights import Model

ICE = 255
SMALLEST_TILE = 256
# How the CPU's allocator, CUDA's libraries and cuDNN say that memory ran out.
_SIGNS = ("out of memory", "can't allocate memory", "ALLOC_FAILED", "unable to find an engine")


@dataclass(frozen=True)
class Limits:
    """What goes through the network at once; it shrinks when memory runs out.

    tile and overlap: pixels of a side. area: pixels of a whole batch. batch: tiles, None for what suits.
    """

    device: torch.device
    tile: int
    overlap: int
    area: int
    batch: int | None


class Predictor:
    """Turns scenes into masks. precision is "fp16" on CUDA, "bf16" or "fp32" on the CPU.

    seconds is the time spent predicting so far. Raises UsageError where --device cuda cannot be had.
    """

    def __init__(self, model: Model, settings: Settings, say: Callable[[str], None]) -> None:
        self.weights_sha256 = model.sha256
        self.seconds = 0.0
        self._model = model
        self._say = say
        self._at_once = (0, 0, 0)  # the latest forward pass: tiles, height and width of each
        self._limits = Limits(
            torch.device("cpu"), settings.tile, settings.overlap, sys.maxsize, settings.batch
        )
        self._start_on(settings.device)

    @property
    def device(self) -> str:
        return self._limits.device.type

    def peak_gpu_bytes(self) -> int:
        """Most GPU memory that torch has held so far; DALI's own is not in it."""
        return torch.cuda.max_memory_reserved() if torch.cuda.is_initialized() else 0

    def predict(self, images: list[np.ndarray | torch.Tensor]) -> list[np.ndarray]:
        """Masks uint8 [H, W], 0 and 255, of images uint8 [H, W, 3] that all have one padded shape.

        Raises the out-of-memory error when not even the smallest tile fits, and any other error as it comes.
        """
        start = time.monotonic()
        while True:
            try:
                masks = self._predict(images)
                self.seconds += time.monotonic() - start
                return masks
            except (RuntimeError, MemoryError) as error:
                smaller = self._smaller_limits() if is_out_of_memory(error) else None
                if smaller is None:
                    raise
            # Past the except clause, where the failed attempt's tensors are free.
            if self.device == "cuda":
                torch.cuda.empty_cache()  # for DALI, which cannot use what torch holds back
            if smaller.device != self._limits.device:
                self._move_to(smaller.device)
            self._limits = smaller

    def _predict(self, images: list[np.ndarray | torch.Tensor]) -> list[np.ndarray]:
        masks = [np.empty(image.shape[:2], np.uint8) for image in images]
        windows = [
            (mask, image, tile)
            for mask, image in zip(masks, images, strict=True)
            for tile in grid(*mask.shape, self._limits.tile, self._limits.overlap)
        ]
        shape = windows[0][2].shape
        batch = self._batch(shape)
        for chunk in (windows[i : i + batch] for i in range(0, len(windows), batch)):
            self._at_once = (len(chunk), *shape)
            predictions = self._forward([crop(image, tile) for _, image, tile in chunk])
            for (mask, _, tile), prediction in zip(chunk, predictions, strict=True):
                stitch(mask, tile, prediction)
        return masks

    @torch.inference_mode()
    def _forward(self, windows: list[np.ndarray | torch.Tensor]) -> np.ndarray:
        """B tiles uint8 [h, w, 3] -> classes [B, h, w] uint8, 0 and 255."""
        pixels = torch.stack([torch.as_tensor(window).to(self._limits.device) for window in windows])
        x = pixels.permute(0, 3, 1, 2)  # [B, 3, h, w], channels last as it lies in memory
        x = (x.to(self._mean.dtype) - self._mean) / self._std
        logits = self._network(x)  # [B, 2, h, w]
        ice = logits[:, 1] > logits[:, 0]
        return ice.to(torch.uint8).mul_(ICE).cpu().numpy()

    def _batch(self, shape: tuple[int, int]) -> int:
        """Tiles of this shape that go through the network at once."""
        wanted = self._limits.batch or batch_size(shape, self.device == "cuda")
        return max(1, min(wanted, self._limits.area // (shape[0] * shape[1])))

    def _start_on(self, wanted: str) -> None:
        """Moves to the device. A GPU is tried first; with "auto" one that fails is passed over."""
        device = _choose_device(wanted, self._say)
        try:
            self._move_to(device)
            if device.type == "cuda":
                self._forward([np.zeros((STRIDE, STRIDE, 3), np.uint8)])
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            if wanted == "cuda":
                raise UsageError(f"--device cuda, but the GPU fails: {reason}") from None
            if device.type == "cpu":
                raise
            self._say(f"infer: running on the CPU, the GPU fails: {reason}")
            self._move_to(torch.device("cpu"))

    def _move_to(self, device: torch.device) -> None:
        self.precision, dtype = _precision(device)
        network = copy.deepcopy(self._model.network)  # the fp32 original stays for another device
        self._network = network.to(device, dtype, memory_format=torch.channels_last)
        shape = (1, 3, 1, 1)
        self._mean = torch.tensor(self._model.mean, device=device, dtype=dtype).view(shape)
        self._std = torch.tensor(self._model.std, device=device, dtype=dtype).view(shape)
        self._limits = replace(self._limits, device=device)

    def _smaller_limits(self) -> Limits | None:
        """Half the batch, then half the tile, then the CPU; None when there is nothing left to try."""
        limits, (tiles, height, width) = self._limits, self._at_once
        if tiles > 1:
            limits = replace(limits, area=tiles // 2 * height * width)
            step = "half as many tiles at once"
        elif max(height, width) > SMALLEST_TILE:
            tile = max(SMALLEST_TILE, max(height, width) // 2 // STRIDE * STRIDE)
            overlap = min(limits.overlap, tile // 4 // STRIDE * STRIDE)
            limits = replace(limits, area=tile * tile, tile=tile, overlap=overlap)
            step = f"tiles of {tile} pixels"
        elif self.device == "cuda":
            limits = replace(limits, device=torch.device("cpu"))
            step = "the CPU"
        else:
            return None
        self._say(f"infer: out of memory: going on with {step}")
        return limits


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on any device; torch has a type of its own for CUDA's allocator only."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error)
    return any(sign in text for sign in _SIGNS)


def _choose_device(wanted: str, say: Callable[[str], None]) -> torch.device:
    if wanted == "cpu":
        return torch.device("cpu")
    with warnings.catch_warnings():  # torch warns at length when the driver is too old
        warnings.simplefilter("ignore")
        usable = torch.cuda.is_available()
    if usable:
        return torch.device("cuda")
    if wanted == "cuda":
        raise UsageError("--device cuda, but torch finds no usable GPU: check `nvidia-smi` and --gpus all")
    if gpu_visible():
        say("infer: running on the CPU, torch cannot use the GPU: check its driver")
    return torch.device("cpu")


def _precision(device: torch.device) -> tuple[str, torch.dtype]:
    if device.type == "cuda":
        return "fp16", torch.float16
    # Without these instructions bf16 is emulated, slower than fp32.
    if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported():
        return "bf16", torch.bfloat16
    return "fp32", torch.float32
