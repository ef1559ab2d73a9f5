"""Whether what is installed, locked and built upon can run on the GPUs that a judge may have."""

from __future__ import annotations

import re
from importlib.metadata import requires

import pytest
import torch

from tests.helpers.support import REPO

# Volta, Turing, Ampere, GeForce 30, Hopper, Blackwell, GeForce 50. An Ada GPU takes code for 8.6.
NEEDED = {"sm_70", "sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"}
PIN = re.compile(r"(nvidia-[\w-]+)==([\w.]+)")


def pins(text: str) -> dict[str, str]:
    return dict(PIN.findall(text))


def torchs_pins() -> dict[str, str]:
    return pins("\n".join(requires("torch") or []))


def test_torch_has_code_for_all_gpus_since_volta() -> None:
    built_for = set(
        torch._C._cuda_getArchFlags().split()
    )  # torch.cuda.get_arch_list() is empty without a GPU
    assert built_for >= NEEDED


def test_torch_pins_its_cuda() -> None:
    """The tests below compare with these."""
    assert len(torchs_pins()) > 10
    assert {"nvidia-cudnn-cu12", "nvidia-cublas-cu12", "nvidia-cuda-runtime-cu12"} <= set(torchs_pins())


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-full.lock", "requirements-dev.lock"])
def test_locks_hold_the_cuda_that_torch_was_built_with(lock: str) -> None:
    locked = pins((REPO / lock).read_text())
    absent = set() if lock == "requirements-dev.lock" else _left_out()
    expected = {name: version for name, version in torchs_pins().items() if name not in absent}
    assert {name: locked.get(name) for name in expected} == expected


def test_torch_is_the_locked_one() -> None:
    """Else its pins and its code are those of another version."""
    locked = re.search(r"^torch==(\S+)", (REPO / "requirements.lock").read_text(), re.MULTILINE)
    assert locked
    assert torch.__version__.split("+")[0] == locked[1]


def test_onnxruntime_for_a_gpu_is_of_the_version_of_that_for_a_cpu() -> None:
    """Else a mask on a CPU would depend on which of them is installed."""
    for_cpu = re.search(r"^onnxruntime==(\S+)", (REPO / "requirements.lock").read_text(), re.MULTILINE)
    for_gpu = re.search(r"^onnxruntime-gpu==(\S+)", (REPO / "requirements-ort-cuda.lock").read_text())
    assert for_cpu
    assert for_gpu
    assert for_cpu[1] == for_gpu[1]


def test_base_image_brings_no_cuda_of_its_own() -> None:
    """NVIDIA's has cuda-compat, which can stand before a newer driver and end in error 804."""
    dockerfile = (REPO / "Dockerfile").read_text()
    (base,) = re.findall(r"^ARG BASE_IMAGE=(\S+)", dockerfile, re.MULTILINE)
    assert re.fullmatch(r"(ubuntu|debian):[\w.-]+", base)
    images = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert images[0] == "${BASE_IMAGE}"
    assert not [image for image in images if "nvidia" in image or "cuda" in image]


def _left_out() -> set[str]:
    lines = (REPO / "requirements-absent.txt").read_text().splitlines()
    return {line.split("#")[0].strip() for line in lines} - {""}
