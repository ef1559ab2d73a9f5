"""Memory of processes as Linux counts it for the program that runs.

os.wait4 and getrusage begin at the size of the parent, here of a test process that has held whatever other
tests made it hold.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil


def largest_peak(pid: int) -> int:
    """Most bytes that a process or a running descendant has held so far; 0 where the process is gone."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return max(_peak(one.pid) for one in [process, *process.children(recursive=True)])
    return 0


def _peak(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
