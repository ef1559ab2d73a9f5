"""When this process started."""

from __future__ import annotations

import os
import time
from pathlib import Path


def process_start() -> float:
    """Return when this process started, on the scale of time.monotonic() (man 5 proc_pid_stat, field 22)."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    since_boot = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.monotonic() - (time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot)
