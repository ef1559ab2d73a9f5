"""Where a training runs: device, precision and processes, all of it by Lightning Fabric."""

from __future__ import annotations

import logging
import os
import warnings

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from infer.errors import UsageError
from infer.predict.hardware import cpu_is_fast_at_bf16


def make_fabric(*, device: str, precision: str, devices: int, seed: int) -> Fabric:
    """Device, precision and processes, launched. Raises UsageError where the machine has not got them."""
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("no CUDA device here; leave --device out or say --device cpu")
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # the run's own first line says it all
    warnings.filterwarnings("ignore", ".*does not have many workers", module="lightning_fabric")
    cuda = device != "cpu" and torch.cuda.is_available()
    bf16 = precision == "bf16" or (precision == "auto" and _fast_bf16(cuda))
    if cuda:
        _repeatable()
    here, nodes = _processes(devices)
    try:
        fabric = Fabric(
            accelerator="cuda" if cuda else "cpu",
            devices=here,
            num_nodes=nodes,
            precision="bf16-mixed" if bf16 else "32-true",
        )
    except Exception as error:  # Fabric's own kinds of error have no common one
        raise UsageError(f"--devices {devices} cannot be had: {str(error).splitlines()[0]}") from error
    fabric.launch()
    fabric.seed_everything(seed, verbose=False)
    return fabric


def _repeatable() -> None:
    """Let a GPU compute the same from the same seed, as far as its kernels can; before its first use."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.deterministic = True
    warnings.filterwarnings("ignore", ".*does not have a deterministic implementation")  # of some losses


def _processes(devices: int) -> tuple[int, int]:
    """Devices of each machine and machines: what torchrun has started, else what --devices says."""
    if not TorchElasticEnvironment.detect():
        return devices, 1
    here, all_of_them = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
    return here, all_of_them // here


def _fast_bf16(cuda: bool) -> bool:
    """Whether bf16 is faster than fp32."""
    return torch.cuda.is_bf16_supported(including_emulation=False) if cuda else cpu_is_fast_at_bf16()
