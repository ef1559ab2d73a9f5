"""The machine that a figure was measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import psutil

from train_offline.judging.measure.gpus import Gpus
from train_offline.judging.run.container import docker
from train_offline.runtime.code_version import commit_of


def environment(in_container: bool) -> dict[str, Any]:
    """Return processor, memory, system, GPUs and the commit of this checkout, as JSON can hold it."""
    engine = docker("version", "--format", "{{.Server.Version}}").stdout.strip() if in_container else None
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": psutil.virtual_memory().total,
        "system": platform.platform(),
        "gpus": Gpus().names(),
        "docker": engine,
        **commit_of(),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()
