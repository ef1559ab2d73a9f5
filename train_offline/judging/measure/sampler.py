"""What a run takes while it runs, sampled from outside: memory, processor time, GPU."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from train_offline.judging.measure.gpus import Gpus

PERIOD = 0.05  # seconds between two samples
POINTS = 240  # of a series that a report keeps


@dataclass
class ResourceSamples:
    """at: seconds since the sampling began; the others have one value for each of them.

    rss: bytes of all processes of the job. group: bytes that its control group counts, against which a
    container's limit holds; empty where it has no group of its own. gpu_memory: bytes in use, gpu_busy: share
    0 to 1, both of all GPUs of the machine together; empty without one. cpu_seconds and peak_bytes: as the
    job's control group counts them, None where it has none. group and peak_bytes include the cached files
    that it read.
    """

    at: list[float] = field(default_factory=list)
    rss: list[int] = field(default_factory=list)
    group: list[int] = field(default_factory=list)
    gpu_memory: list[int] = field(default_factory=list)
    gpu_busy: list[float] = field(default_factory=list)
    cpu_seconds: float | None = None
    peak_bytes: int | None = None

    def area(self, series: Sequence[float]) -> float:
        """Return the area under a curve by trapezoids, in units of the series times seconds."""
        steps = zip(self.at, self.at[1:], series, series[1:], strict=False)
        return sum((later - earlier) * (a + b) / 2 for earlier, later, a, b in steps)

    def thinned(self) -> dict[str, list[float]]:
        """Return every n-th sample, POINTS at most, of the series that there are."""
        step = -(-len(self.at) // POINTS) or 1
        names = ("at", "rss", "group", "gpu_memory", "gpu_busy")
        series = {name: getattr(self, name) for name in names}
        return {name: values[::step] for name, values in series.items() if values}


class ResourceSampler(threading.Thread):
    """Samples the tree of processes under a root until it is stopped. Use it in a `with` block.

    root: gives the process id of the job's first process, None before it is known.
    """

    def __init__(self, root: Callable[[], int | None]) -> None:
        super().__init__(daemon=True)
        self.samples = ResourceSamples()
        self._root, self._done = root, threading.Event()
        self._gpus = Gpus()

    def __enter__(self) -> ResourceSampler:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()

    def run(self) -> None:
        """Take a sample every PERIOD until the block is left."""
        began, groups = time.monotonic(), None
        while not self._done.wait(PERIOD):
            pid = self._root()
            if pid is None:
                continue
            groups = groups or _ControlGroup(pid)
            self.samples.at.append(time.monotonic() - began)
            self.samples.rss.append(_tree_rss(pid))
            self._sample_group(groups)
            if gpus := self._gpus.sample():
                self.samples.gpu_memory.append(gpus[0])
                self.samples.gpu_busy.append(gpus[1])

    def _sample_group(self, groups: _ControlGroup) -> None:
        samples = self.samples
        now = groups.bytes_now()
        if now is not None or samples.group:  # at its end the group is gone before the sampler knows of it
            samples.group.append(samples.group[-1] if now is None else now)
        samples.cpu_seconds = groups.cpu_seconds() or samples.cpu_seconds
        samples.peak_bytes = groups.peak_bytes() or samples.peak_bytes


def _tree_rss(pid: int) -> int:
    total = 0
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.Error):
                total += process.memory_info().rss
    return total


class _ControlGroup:
    """The group of a process, version 1 or 2, unless this process is in it too: then it counts others."""

    def __init__(self, pid: int) -> None:
        self._folders = {}
        for controller, folder in _groups_of(pid).items():
            if folder.is_dir() and folder != _groups_of("self").get(controller):
                self._folders[controller] = folder

    def cpu_seconds(self) -> float | None:
        usage = self._read("cpuacct", "cpuacct.usage")
        if usage:
            return int(usage) / 1e9
        rows = dict(line.split() for line in self._read("", "cpu.stat").splitlines())
        return int(rows["usage_usec"]) / 1e6 if "usage_usec" in rows else None

    def bytes_now(self) -> int | None:
        now = self._read("memory", "memory.usage_in_bytes") or self._read("", "memory.current")
        return int(now) if now else None

    def peak_bytes(self) -> int | None:
        peak = self._read("memory", "memory.max_usage_in_bytes") or self._read("", "memory.peak")
        return int(peak) if peak else None

    def _read(self, controller: str, name: str) -> str:
        """Return what the file says; an empty string where there is none, or none any more."""
        folder = self._folders.get(controller)
        try:
            return (folder / name).read_text().strip() if folder else ""
        except OSError:
            return ""


def _groups_of(pid: int | str) -> dict[str, Path]:
    """Return the folder by controller (man 7 cgroups); that of version 2 has an empty name."""
    folders, root = {}, Path("/sys/fs/cgroup")
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            for controller in controllers.split(","):
                folders[controller] = root / controller / path.lstrip("/")
    return folders
