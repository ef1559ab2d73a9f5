"""The flags of `docker run`: of a strict judge, of the judge's plain line, and of one who gives little."""

from __future__ import annotations

import csv
import io
import os
import shlex
from pathlib import Path

from infer.predict.hardware import gpu_visible
from train_offline.judging.settings import ContainerLimits

NOBODY = 54321  # a user that no image knows
STRICT = shlex.split(
    "--network none --read-only --cap-drop ALL --security-opt no-new-privileges --shm-size 64m "
    "--tmpfs /tmp:rw,nosuid,nodev,size=1g,mode=1777"
)
HARD = shlex.split(
    "--cpus 1 --memory 1g --memory-swap 1g --read-only --network none --cap-drop ALL "
    "--security-opt no-new-privileges --pids-limit 128 --shm-size 64m"
)


def strict(scenes: Path, masks: Path, report: Path | None, limits: ContainerLimits) -> list[str]:
    """Let only /output, /tmp and /report be written to. report: None for a job that writes none."""
    uid, gid = user()
    mounts = [mount(scenes, "/input", "readonly"), mount(masks, "/output")]
    mounts += [mount(report, "/report")] if report else []
    processes = ["--pids-limit", str(limits.processes)]
    who = ["--user", f"{uid}:{gid}"]
    return [*STRICT, *_memory(limits.memory), *processes, *_gpus(), *who, *_each("--mount", mounts)]


def plain(scenes: Path, masks: Path, memory: str, device: str) -> list[str]:
    """Return them as most judges type them: the image's own user, limits for memory and network alone.

    masks: a folder that is not there: Docker makes it, root's. Neither path may hold a colon. The scenes are
    read-only all the same, because they may be hard links to the only ones there are.
    """
    volumes = [f"{scenes}:/input:ro", f"{masks}:/output"]
    return ["--network", "none", *_memory(memory), *_gpus(device), *_each("--volume", volumes)]


def hard(scenes: Path, masks: Path, device: str) -> list[str]:
    """Allow one processor, 1 GB, the image's own user without rights, and writing to /output alone."""
    mounts = [mount(scenes, "/input", "readonly"), mount(masks, "/output")]
    return [*HARD, *_gpus(device), *_each("--mount", mounts)]


def user() -> tuple[int, int]:
    """Return user and group of a container: our own, so that its masks are ours; nobody's for root."""
    return (os.getuid(), os.getgid()) if os.getuid() else (NOBODY, NOBODY)


def _memory(size: str) -> list[str]:
    return ["--memory", size, "--memory-swap", size]


def _gpus(device: str = "auto") -> list[str]:
    return ["--gpus", "all"] if device != "cpu" and gpu_visible() else []


def _each(flag: str, values: list[str]) -> list[str]:
    return [part for value in values for part in (flag, value)]


def mount(source: Path, target: str, *options: str) -> str:
    """Return the value of --mount, which is a row of CSV: a path may hold colons, commas and quotes."""
    row = io.StringIO()
    csv.writer(row).writerow(["type=bind", f"source={source}", f"target={target}", *options])
    return row.getvalue().strip()
