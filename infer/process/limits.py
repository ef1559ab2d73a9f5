"""What this process may use of the machine: processors and memory, as its cgroups grant them.

Python sees the processors of the affinity mask only; `docker run --cpus` and `--memory` limit by cgroups,
whose files are described in the kernel's admin-guide/cgroup-v1 and cgroup-v2.rst.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path("/")


def cpus(root: Path = ROOT) -> int:
    """Count the threads that may compute at once: the affinity mask's, at most the quota rounded up.

    root: of the file system whose proc and cgroup folders are read.
    """
    affinity = len(os.sched_getaffinity(0))
    quotas = [quota for level in _levels("cpu", root) if (quota := _quota(level)) is not None]
    return max(1, min([affinity, *(-int(-quota // 1) for quota in quotas)]))


def memory(root: Path = ROOT) -> int | None:
    """Return the bytes that this process may hold: the least of its cgroups' limits and the machine's.

    None where nothing can be learned.
    """
    known = [_machine_memory(root)]
    for level in _levels("memory", root):
        known += [_number(level.folder / name) for name in _MEMORY_LIMITS[level.version]]
    return min((limit for limit in known if limit is not None), default=None)


def oom_kills(root: Path = ROOT) -> int:
    """Return how many processes of this one's cgroup the kernel has killed so far because memory ran out."""
    for level in _levels("memory", root):
        for line in _text(level.folder / _OOM_EVENTS[level.version]).splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill" and count.isdigit():
                return int(count)
    return 0


@dataclass(frozen=True)
class _Level:
    """One cgroup: its folder, and the version of the hierarchy that it belongs to."""

    folder: Path
    version: int


_MEMORY_LIMITS = {1: ("memory.limit_in_bytes",), 2: ("memory.max", "memory.high")}
_OOM_EVENTS = {1: "memory.oom_control", 2: "memory.events"}


def _quota(level: _Level) -> float | None:
    """Processors' worth of time; None where there is no limit."""
    if level.version == 2:
        quota, _, period = _text(level.folder / "cpu.max").strip().partition(" ")
    else:
        quota, period = (_text(level.folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
    if not (quota.isdigit() and period.isdigit() and int(period)):  # "max", -1, or no such file
        return None
    return int(quota) / int(period)


def _levels(controller: str, root: Path) -> Iterator[_Level]:
    """Iterate over this process's cgroup for a controller and those around it, as far as they can be seen."""
    paths = _own_paths(root)
    for line in _text(root / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        where, kind = before.split(" "), after.split(" ")
        if len(where) < 5 or len(kind) < 3:
            continue
        if kind[0] == "cgroup2" and controller not in paths:
            version, path = 2, paths.get("")
        elif kind[0] == "cgroup" and controller in kind[2].split(","):
            version, path = 1, paths.get(controller)
        else:
            continue
        if path is not None:
            top = root / where[4].lstrip("/")
            folder = top / _below(path, where[3])
            yield from (_Level(f, version) for f in (folder, *folder.parents) if f.is_relative_to(top))


def _own_paths(root: Path) -> dict[str, str]:
    """By controller, "" for cgroup v2: the path of this process's cgroup in its hierarchy."""
    paths: dict[str, str] = {}
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        paths |= dict.fromkeys(controllers.split(","), path)
    return paths


def _below(path: str, mounted: str) -> PurePosixPath:
    """Return a cgroup's path from the one that is mounted; a container may see its own only, as the top."""
    try:
        return PurePosixPath(path).relative_to(mounted)
    except ValueError:
        return PurePosixPath()


def _machine_memory(root: Path) -> int | None:
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemTotal":
            return int(rest.split()[0]) * 1024
    return None


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
