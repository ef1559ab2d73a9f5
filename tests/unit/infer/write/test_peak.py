"""Peak memory is that of the program itself, whatever started it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from tests.helpers.memory import largest_peak
from tests.helpers.support import REPO

BALLAST = 500_000_000  # bytes
SAY = "from infer.write.report import peak_rss_bytes as peak; print(peak(), flush=True); input()"


def test_a_large_parent_does_not_count() -> None:
    ballast = np.ones(BALLAST, np.uint8)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", SAY], cwd=REPO, text=True, **pipes) as process:
        assert process.stdout is not None
        said = int(process.stdout.readline())
        seen = largest_peak(process.pid)
        process.communicate("\n")
    assert ballast[-1] == 1
    assert 5e6 < said < BALLAST / 2
    assert 5e6 < seen < BALLAST / 2
    assert largest_peak(process.pid) == 0
