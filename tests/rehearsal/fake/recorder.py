"""What a piece of code asks of a GPU, operation by operation, and from which line of ours."""

from __future__ import annotations

import sys
import weakref
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tests.helpers.support import REPO

ATEN = torch.ops.aten
OURS = tuple(f"{REPO / package}/" for package in ("infer", "train_offline"))
_COPIES = (ATEN._to_copy.default, ATEN.copy_.default)
_NOTHING_TO_DO = (ATEN.lift_fresh.default, ATEN.detach.default)


class Facts(NamedTuple):
    """Of a tensor, which itself must not be kept: what lives is counted."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    device: str
    channels_last: bool

    @classmethod
    def of(cls, tensor: torch.Tensor) -> Facts:
        last = tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
        return cls(tensor.dtype, tuple(tensor.shape), str(tensor.device), last)

    def __str__(self) -> str:
        return f"{str(self.dtype).removeprefix('torch.')} {list(self.shape)} {self.device}"

    @property
    def on_gpu(self) -> bool:
        return self.device.startswith("cuda")


@dataclass(frozen=True)
class Op:
    """One operation, and the line of ours that asks for it; waits: a copy that the host waits for."""

    func: torch._ops.OpOverload
    inputs: list[Facts]
    outputs: list[Facts]
    line: str
    waits: bool

    def __str__(self) -> str:
        return f"{self.line}: {self.func} -> {', '.join(map(str, self.outputs))}"

    @property
    def tensors(self) -> list[Facts]:
        return self.inputs + self.outputs

    @property
    def is_copy(self) -> bool:
        """Whether it copies from a device to another."""
        return self.func in _COPIES and self.inputs[-1].device != self.outputs[0].device

    @property
    def crosses(self) -> bool:
        """Whether it computes with tensors of several devices; torch lets single numbers of the CPU pass."""
        return not self.is_copy and len({facts.device for facts in self.tensors}) > 1

    @property
    def is_work(self) -> bool:
        """Whether a GPU has something to do for it: a copy too, a view not."""
        busy = self.func not in _NOTHING_TO_DO and not self.func.is_view
        return busy and any(facts.on_gpu for facts in self.tensors)


@dataclass(eq=False)
class Recorder(TorchDispatchMode):
    """Records the operations within it.

    live, peak: bytes of what they make on GPUs, and at_peak the line that reaches the peak.
    reads: the lines that wait for a number from a GPU. They are given 1, so that one run finds them all.
    """

    ops: list[Op] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    live: int = 0
    peak: int = 0
    at_peak: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._storages: dict[int, weakref.ref[torch.UntypedStorage]] = {}

    def __torch_dispatch__(
        self, func: torch._ops.OpOverload, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func.namespace == "prim":  # a question to the tensor
            return func(*args, **kwargs)
        # Under inference_mode what torch has no kernel for arrives in one piece. Its parts in C++ are what
        # CUDA would run; those of func.decompose, in Python, are the compiler's.
        if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
            with self:
                return func._op_dk(torch._C.DispatchKey.CompositeImplicitAutograd, *args, **kwargs)
        inputs = _fakes((args, kwargs))
        line = _line()
        if func is ATEN._local_scalar_dense.default:
            return self._number(inputs[0], func, line)
        result = func(*args, **kwargs)
        outputs = _fakes(result)
        known, made = list(map(Facts.of, inputs)), list(map(Facts.of, outputs))
        self.ops.append(Op(func, known, made, line, not _asynchronous(func, args, kwargs)))
        held = {tensor.untyped_storage()._cdata for tensor in inputs}
        for tensor, facts in zip(outputs, made, strict=True):
            if facts.on_gpu and tensor.untyped_storage()._cdata not in held:
                self._hold(tensor.untyped_storage(), line)
        return result

    def _number(self, tensor: torch.Tensor, func: torch._ops.OpOverload, line: str) -> Any:
        if Facts.of(tensor).on_gpu:
            self.reads.append(line)
            return 1
        try:
            return func(tensor)
        except DataDependentOutputException:  # of the CPU's own numbers, for which no GPU is waited for
            return 1

    def _hold(self, storage: torch.UntypedStorage, line: str) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._storages:
            return

        def free(_: weakref.ref[torch.UntypedStorage]) -> None:
            del self._storages[key]
            self.live -= size

        self._storages[key] = weakref.ref(storage, free)
        self.live += size
        if self.live > self.peak:
            self.peak, self.at_peak = self.live, line


def _fakes(tree: Any) -> list[FakeTensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, FakeTensor)]


def _asynchronous(func: torch._ops.OpOverload, args: Any, kwargs: dict[str, Any]) -> bool:
    """Whether a copy is said not to be waited for."""
    return bool(kwargs.get("non_blocking") or (func is ATEN.copy_.default and len(args) > 2 and args[2]))


def _line() -> str:
    """The innermost line of infer or train_offline that is at work, as path:number; "" where none is."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(OURS):
            return f"{name.removeprefix(f'{REPO}/')}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
