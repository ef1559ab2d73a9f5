"""Tensors that only pretend: torch's fake mode, and what it lacks for a network that moves to a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch._subclasses import fake_tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.optim import optimizer
from torch.utils import _foreach_utils

from tests.rehearsal.fake.backward import walk_backward


class FakeStream:
    """A stream of CUDA; waits: how often anybody has waited for one."""

    waits = 0

    def synchronize(self) -> None:
        FakeStream.waits += 1


class FakeEvent(FakeStream):
    """What is waited for in a stream of CUDA."""

    def record(self) -> None:
        pass


class _OneMode(FakeTensorMode):
    """The mode that a copy of a network belongs to as well: a copy of the mode would be another one."""

    avoid_device_init = True  # it never computes with a number on a GPU, even where it knows the number

    def __deepcopy__(self, memo: dict[int, Any]) -> _OneMode:
        return self


@contextmanager
def fake_cuda() -> Iterator[None]:
    """Within it every new tensor is fake, on as many CUDA devices as are asked for; kernels are never run.

    To be used in a process of its own in which CUDA has no devices: what is patched belongs to torch.
    """
    if torch.cuda.device_count():
        raise RuntimeError("hide the GPU: CUDA_VISIBLE_DEVICES must be empty before torch is imported")
    with _OneMode(allow_non_fake_inputs=True), ExitStack() as patches:
        for owner, name, stand_in in (
            (torch.utils, "swap_tensors", _swap),  # how Module.to moves a fake parameter
            (torch.Tensor, "numpy", _numpy),
            (torch.Tensor, "backward", walk_backward),
            (torch.cuda, "is_available", lambda: True),  # else autocast turns itself off
            (fake_tensor, "init_gpu_context", lambda _: None),  # which would start a GPU that is available
            (torch.cuda, "current_stream", FakeStream),
            (torch.cuda, "Event", FakeEvent),
            (torch.cuda, "is_bf16_supported", lambda *_, **__: True),
            # the optimisers' way for many tensors at once, which they take on a GPU
            (optimizer, "_foreach_supported_types", [torch.Tensor, torch.nn.Parameter, FakeTensor]),
            (_foreach_utils, "_foreach_supported_types", [torch.Tensor, FakeTensor]),
            (torch.cuda, "is_current_stream_capturing", lambda: False),  # the optimisers ask
        ):
            patches.enter_context(patch.object(owner, name, stand_in))
        yield


def _swap(old: torch.Tensor, new: torch.Tensor) -> None:
    """Make `old` what `new` is. torch's own cannot where something refers to it weakly, as fake mode does."""
    if not (isinstance(old, FakeTensor) and isinstance(new, FakeTensor)):
        raise TypeError("a real tensor in a fake network")
    old.data = new.data
    old.fake_device = new.fake_device


def _numpy(tensor: torch.Tensor, *, force: bool = False) -> np.ndarray:
    """An array of the tensor's size and type; its content is no more than that of a fake tensor."""
    if tensor.device.type != "cpu" and not force:
        raise TypeError(f"can't convert {tensor.device} device type tensor to numpy")  # as torch does
    return np.zeros(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
