"""Masks from pixels: the device, the precision, the batches, and what happens when memory runs out."""

from __future__ import annotations

import copy
import sys
import warnings
from dataclasses import dataclass, replace

import numpy as np
import torch

from infer.device import batch_size, gpu_visible
from infer.settings import Settings, UsageError
from infer.tiles import STRIDE, crop, grid, stitch
from infer.weights import Model

ICE = 255
SMALLEST_TILE = 256


@dataclass(frozen=True)
class Limits:
    """What goes through the network at once; shrinks when memory runs out. batch None: by pixels."""

    device: torch.device
    tile: int
    overlap: int
    batch: int | None


class Predictor:
    """Turns scenes into masks. precision is "fp16" on CUDA, "bf16" or "fp32" on the CPU."""

    def __init__(self, model: Model, settings: Settings) -> None:
        self._model = model
        self._at_once = (0, 0)  # tiles in the latest forward pass, and the longer side of one
        device = _choose_device(settings.device)
        self._limits = Limits(device, settings.tile, settings.overlap, settings.batch)
        self._move_to(device)

    @property
    def device(self) -> str:
        return self._limits.device.type

    def peak_gpu_bytes(self) -> int:
        """Most GPU memory that torch has held so far; DALI's own is not in it."""
        return torch.cuda.max_memory_reserved() if self.device == "cuda" else 0

    def predict(self, images: list[np.ndarray | torch.Tensor]) -> list[np.ndarray]:
        """Masks uint8 [H, W], 0 and 255, of images uint8 [H, W, 3] that all have one padded shape.

        Raises the out-of-memory error when not even the smallest tile fits, and any other error as it comes.
        """
        while True:
            try:
                return self._predict(images)
            except (RuntimeError, MemoryError) as error:
                smaller = self._smaller_limits() if is_out_of_memory(error) else None
                if smaller is None:
                    raise
            # Past the except clause, where the failed attempt's tensors are free.
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
        batch = self._limits.batch or batch_size(shape, self.device == "cuda")
        for chunk in (windows[i : i + batch] for i in range(0, len(windows), batch)):
            self._at_once = (len(chunk), max(shape))
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

    def _move_to(self, device: torch.device) -> None:
        self.precision, dtype = _precision(device)
        network = copy.deepcopy(self._model.network)  # the fp32 original stays for another device
        self._network = network.to(device, dtype, memory_format=torch.channels_last)
        shape = (1, 3, 1, 1)
        self._mean = torch.tensor(self._model.mean, device=device, dtype=dtype).view(shape)
        self._std = torch.tensor(self._model.std, device=device, dtype=dtype).view(shape)

    def _smaller_limits(self) -> Limits | None:
        """Half the batch, then half the tile, then the CPU; None when there is nothing left to try."""
        limits, (tiles, side) = self._limits, self._at_once
        if tiles > 1:
            limits = replace(limits, batch=tiles // 2)
            step = f"{limits.batch} tiles at once"
        elif side > SMALLEST_TILE:
            tile = max(SMALLEST_TILE, side // 2 // STRIDE * STRIDE)
            limits = replace(limits, batch=1, tile=tile, overlap=min(limits.overlap, tile // 4))
            step = f"tiles of {tile} pixels"
        elif self.device == "cuda":
            limits = replace(limits, device=torch.device("cpu"))
            step = "the CPU"
        else:
            return None
        print(f"infer: out of memory: going on with {step}", file=sys.stderr)
        return limits


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on any device; torch has a type of its own for CUDA's allocator only."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error)
    return any(sign in text for sign in ("out of memory", "can't allocate memory", "ALLOC_FAILED"))


def _choose_device(wanted: str) -> torch.device:
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
        print("infer: a GPU is there but torch cannot use it: running on the CPU", file=sys.stderr)
    return torch.device("cpu")


def _precision(device: torch.device) -> tuple[str, torch.dtype]:
    if device.type == "cuda":
        return "fp16", torch.float16
    # Without these instructions bf16 is emulated, slower than fp32.
    if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported():
        return "bf16", torch.bfloat16
    return "fp32", torch.float32
