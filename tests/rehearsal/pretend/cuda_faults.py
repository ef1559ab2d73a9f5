"""Inside a job's process that pretends to have a GPU: what such a machine may do to it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

from infer.errors import NotFiniteError
from infer.predict.torch_engine import TorchEngine
from tests.rehearsal.pretend import cuda

MARK = 77  # the first value of a scene that a fault is about
LOST = "CUDA error: an illegal memory access was encountered"
NO_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
calls = 0  # of a forward pass on the GPU so far; the first one is the warm-up


class Kind(Protocol):
    """An engine's, spoiled below: torch's where nothing else is said."""

    device: str
    precision: str
    forward: Callable[..., Any]


def spoil_forward(fault: Callable[[Kind, Sequence[Any]], None], kind: Any) -> None:
    """Let each pass on the GPU do this first."""
    name = "begin" if hasattr(kind, "begin") else "forward"  # the first that either way comes to
    usual = getattr(kind, name)

    def spoiled(self: Kind, windows: Sequence[Any]) -> Any:
        global calls
        if self.device == "cuda":
            calls += 1
            fault(self, windows)
        return usual(self, windows)

    setattr(kind, name, spoiled)


def no_memory(
    fits: Callable[[int, int], bool],
    from_call: int = 1,
    kind: type = TorchEngine,
    error: Exception = NO_MEMORY,
) -> None:
    """Let memory run out from this call on, but for (tiles, longest side) that fit."""

    def fault(_: Kind, windows: Sequence[Any]) -> None:
        if calls >= from_call and not fits(len(windows), max(windows[0].shape[:2])):
            raise error

    spoil_forward(fault, kind)


def no_memory_in_flight() -> None:
    """Let memory have room for one batch that is not waited for yet."""
    waiting: list[int] = []
    usual = TorchEngine.begin

    def begin(self: TorchEngine, windows: Sequence[Any]) -> Callable[[], Any]:
        if waiting:
            raise NO_MEMORY
        wait = usual(self, windows)
        waiting.append(1)

        def end() -> Any:
            waiting.clear()
            return wait()

        return end

    TorchEngine.begin = begin  # type: ignore[method-assign]


def failing(from_call: int, error: Exception, kind: type = TorchEngine) -> None:
    """Let every pass from this call on fail, and all else that waits for the GPU: CUDA's errors stay."""

    def fail(*_: object) -> None:
        if calls >= from_call:
            raise error

    spoil_forward(fail, kind)
    torch.cuda.empty_cache = fail
    cuda.Stream.synchronize = fail  # type: ignore[method-assign]  # of events too


def failing_later(from_call: int, error: Exception) -> None:
    """Let the masks of this pass and all others not come, whose kernels were launched without complaint."""
    began: list[int] = []

    def wait(_: object) -> None:
        began.append(1)
        if len(began) >= from_call:
            raise error

    cuda.Event.synchronize = wait  # type: ignore[method-assign]


def not_finite(
    from_call: int = 1, precision: str = "", marked: bool = False, kind: type = TorchEngine
) -> None:
    """Let the output be infinite from this call on; only in one precision, only with a marked scene."""

    def fault(engine: Kind, windows: Sequence[Any]) -> None:
        wanted = not precision or engine.precision == precision
        if calls >= from_call and wanted and (not marked or any(w[0, 0, 0] == MARK for w in windows)):
            raise NotFiniteError

    spoil_forward(fault, kind)


def killed(from_call: int, number: signal.Signals, kind: type = TorchEngine) -> None:
    """Let the process die in a pass, as it does in a driver's code."""

    def fault(*_: object) -> None:
        if calls >= from_call:
            die(number)

    spoil_forward(fault, kind)


def die(number: signal.Signals) -> None:
    """Let this very thread cause a signal; os.kill may strike when it has gone on."""
    signal.pthread_kill(threading.get_ident(), number)
    os.kill(os.getpid(), signal.SIGKILL)  # not reached


def cannot_be_moved(error: Exception) -> None:
    """Let no network come onto the GPU."""

    def fail(self: torch.nn.Module, *arguments: Any, **named: Any) -> torch.nn.Module:
        if "cuda" in arguments:
            raise error
        return usual(self, *arguments, **named)

    usual = torch.nn.Module.to
    torch.nn.Module.to = fail  # type: ignore[method-assign]
