"""Where a training runs: device, precision and processes, all of it by Lightning Fabric."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from infer.errors import UsageError
from infer.predict.hardware import cpu_is_fast_at_bf16
from infer.process.limits import cpus
from infer.process.text import in_short


def make_fabric(device: str = "auto", precision: str = "auto", devices: int = 1, seed: int = 0) -> Fabric:
    """Return device, precision and processes, launched.

    Args:
        device: "auto", "cuda" or "cpu".
        precision: "auto" (the faster one), "bf16" or "fp32".
        devices: of this machine; what torchrun has started counts instead where it has.
        seed: of every random generator.

    Raises UsageError where the machine has not got them.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("no CUDA device here", "; leave {device} out or say {device} cpu")
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # the run's own first line says it all
    _wake_vector_maths()
    cuda = device != "cpu" and torch.cuda.is_available()
    bf16 = precision == "bf16" or (precision == "auto" and _fast_bf16(cuda))
    if cuda:
        _repeatable()
    here, machines = _processes(devices)
    _require_there(devices, cuda)
    try:
        fabric = Fabric(
            accelerator="cuda" if cuda else "cpu",
            devices=here,
            num_nodes=machines,
            precision="bf16-mixed" if bf16 else "32-true",
        )
    except Exception as error:  # Fabric's own kinds of error have no common one
        reason = f"{devices} devices cannot be had: {in_short(error)}"
        raise UsageError(reason, "; lower {devices}") from error
    with nullcontext() if cuda or here * machines == 1 else _quiet_stdout():
        fabric.launch()
    fabric.seed_everything(seed, verbose=False)
    return fabric


@contextmanager
def _quiet_stdout() -> Iterator[None]:
    """Keep what gloo writes to standard output, from C++ and unasked, off the run's own lines there.

    Other processes of the run, which this starts, inherit it: they have nothing to say there.
    """
    sys.stdout.flush()
    before, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)
        os.close(nowhere)


def _wake_vector_maths() -> None:
    """Call MKL's vector functions once in one thread.

    On a busy machine two of a hundred fresh processes computed other first weights from the same seed, one of
    them seen to begin with another loss of the same logits. Threads that meet in a first call may be why.
    """
    few = torch.full((8,), 0.5)  # too few to be shared among threads
    for function in (torch.exp, torch.log, torch.log1p, torch.sqrt, torch.tanh, torch.erf):
        function(few)


def _repeatable() -> None:
    """Let a GPU compute the same from the same seed, as far as its kernels can; before its first use."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.deterministic = True
    warnings.filterwarnings("ignore", ".*does not have a deterministic implementation")  # of some losses


def _processes(devices: int) -> tuple[int, int]:
    """Return devices of each machine and machines: what torchrun has started, else `devices` of this one."""
    if not TorchElasticEnvironment.detect():
        return devices, 1
    here, all_of_them = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
    return here, all_of_them // here


def _require_there(devices: int, cuda: bool) -> None:
    """Raise UsageError for more devices than there are; on the CPU a process is one, and has a processor."""
    there = torch.cuda.device_count() if cuda else max(2, cpus())  # two may share one, for a trial
    if devices > there and not TorchElasticEnvironment.detect():
        what = "GPUs" if cuda else "processes on the CPU"
        raise UsageError(f"{devices} {what} cannot be had here", f"; {{devices}} is at most {there}")


def _fast_bf16(cuda: bool) -> bool:
    """Tell whether bf16 is faster than fp32."""
    return torch.cuda.is_bf16_supported(including_emulation=False) if cuda else cpu_is_fast_at_bf16()
