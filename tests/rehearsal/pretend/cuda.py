"""Inside a job's process: everything believes in a GPU, and all of it is computed on the CPU in fp32.

The job's own code for a GPU runs, from DALI's pipeline to the tensors; only what needs one is replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from types import ModuleType
from typing import Any

# What PATCHED_JOB executes at the end of these modules.
PRETEND = {
    "infer.predict.gpu": "gpu_visible = lambda: True; open_context = lambda: None",
    "infer.predict.torch_engine": (
        "from tests.rehearsal.pretend.cuda import pretend_in_torch; pretend_in_torch(torch);"
        "DTYPES['fp16'] = torch.float32"
    ),
    "infer.predict.ort_cuda_engine": "PROVIDERS[:] = ['CPUExecutionProvider']; CUDA = PROVIDERS[0]",
    "infer.read.dali": (
        "from tests.rehearsal.pretend.cuda import pretend_in_dali; build = pretend_in_dali(build)"
    ),
    "infer.read.decoder": (
        "from tests.rehearsal.pretend.cuda import after_the_engine;"
        "torch_takes_pixels = after_the_engine(torch_takes_pixels)"
    ),
}


class Stream:
    """A stream of CUDA: all that it was given is done."""

    def synchronize(self) -> None:
        """Do nothing."""


class Event(Stream):
    """An event of CUDA: what was before it is done."""

    def record(self) -> None:
        """Do nothing."""


def pretend_in_torch(torch: ModuleType) -> None:
    """Let "cuda" mean the CPU."""
    for owner, name in ((torch.Tensor, "to"), (torch.nn.Module, "to"), (torch, "tensor"), (torch, "empty")):
        setattr(owner, name, _on_cpu(getattr(owner, name)))
    torch.cuda.is_available = lambda: True
    torch.cuda.current_stream = torch.cuda.Stream = Stream
    torch.cuda.stream = nullcontext
    torch.Tensor.record_stream = lambda *_: None
    torch.cuda.Event = Event
    torch.cuda.empty_cache = lambda: None


def after_the_engine(ask: Callable[[], bool]) -> Callable[[], bool]:
    """Ask torch for a GPU when it has been told of one."""

    def instead() -> bool:
        with suppress(ImportError):
            import infer.predict.torch_engine  # noqa: F401
        return ask()

    return instead


def _on_cpu(function: Callable[..., Any]) -> Callable[..., Any]:
    def instead(*arguments: Any, pin_memory: bool = False, **named: Any) -> Any:
        arguments = tuple("cpu" if _is_cuda(argument) else argument for argument in arguments)
        if _is_cuda(named.get("device")):
            named["device"] = "cpu"
        return function(*arguments, **named)

    return instead


def _is_cuda(argument: Any) -> bool:
    return isinstance(argument, str) and argument == "cuda"


class OnGpu:
    """A batch of DALI's on a GPU."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __len__(self) -> int:
        return len(self._batch)

    def __getitem__(self, index: int) -> Any:
        return self._batch.at(index)  # NumPy's arrays speak DLPack too

    def as_cpu(self) -> Any:
        """Return the batch as it lies on the CPU."""
        return self._batch


class Pipeline:
    """A pipeline of DALI whose pixels end on a GPU."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def run(self) -> tuple[OnGpu]:
        """Return the next batch."""
        (batch,) = self._pipeline.run()
        return (OnGpu(batch),)


def pretend_in_dali(build: Callable[..., Any]) -> Callable[..., Any]:
    """Build DALI's pipelines on the CPU, whatever is asked for."""
    return lambda most, gpu, source: Pipeline(build(most, False, source)) if gpu else build(most, gpu, source)
