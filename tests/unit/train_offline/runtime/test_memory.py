"""Freed memory stays with the process: the second use of it costs no page faults."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.helpers.support import REPO

FAULTS = """
import resource, sys
import numpy as np
from train_offline.runtime.memory import keep_freed_memory
if sys.argv[1] == "kept" and not keep_freed_memory():
    sys.exit(77)
def use():
    np.empty(2**27, np.uint8)[::4096] = 1  # 128 MiB, more than glibc keeps by itself
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(mode: str) -> int:
    command = [sys.executable, "-c", FAULTS, mode]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=60)
    if done.returncode == 77:
        pytest.skip("no glibc here")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_kept_memory_is_not_faulted_in_again():
    assert _faults("kept") < 0.1 * _faults("plain")
