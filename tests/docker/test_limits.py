"""Little memory and half a processor: slower, with the same masks or nearly."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.docker.judge import Judge, docker
from tests.helpers.support import random_rgb, read_masks, run_infer, write_tiff

pytestmark = pytest.mark.docker


def test_little_memory_gives_real_masks(judge: Judge, tmp_path: Path) -> None:
    """Two scenes of 2048² need 1.7 GB in one piece."""
    (tmp_path / "in").mkdir()
    for number in range(2):
        write_tiff(tmp_path / "in" / f"{number}.tif", random_rgb(2048, 2048, seed=number))
    whole = tmp_path / "whole"
    assert run_infer("--input", tmp_path / "in", "--output", whole, "--device", "cpu").returncode == 0
    little = ["--memory", "768m", "--memory-swap", "768m", "--network", "none"]
    mounts = ["--volume", f"{tmp_path / 'in'}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    result = docker("run", "--rm", *little, *mounts, judge.image)
    assert result.returncode == 0, result.stderr
    assert "768 MB of memory: going on with tiles of" in result.stderr
    assert "killed" not in result.stderr
    for name, mask in read_masks(tmp_path / "out").items():
        expected = cv2.imread(str(whole / name), cv2.IMREAD_UNCHANGED)
        assert np.mean(mask == expected) > 0.99


UNTOLD = """
import infer.process.limits, runpy, sys
infer.process.limits.memory = lambda: None
sys.argv = ["infer"]
runpy.run_module("infer", run_name="__main__")
"""


def test_what_the_kernel_kills_is_tried_with_half_the_tile(judge: Judge, tmp_path: Path) -> None:
    """Where the limit could not be read beforehand."""
    (tmp_path / "in").mkdir()
    write_tiff(tmp_path / "in" / "0.tif", random_rgb(2048, 2048))
    little = ["--memory", "900m", "--memory-swap", "900m", "--network", "none"]
    mounts = ["--volume", f"{tmp_path / 'in'}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    result = docker("run", "--rm", *little, *mounts, judge.image, "python", "-c", UNTOLD)
    assert result.returncode == 0, result.stderr
    assert "killed by the kernel, as memory ran out: going on with tiles of 1024 pixels" in result.stderr
    assert " 0 degraded" in result.stdout


def test_half_a_processor_gets_one_thread(judge: Judge, drawn_scenes: Path, tmp_path: Path) -> None:
    look = "import infer.process.limits as limits; print(limits.cpus(), limits.memory())"
    flags = ["--cpus", "0.5", "--memory", "512m", "--network", "none"]
    result = docker("run", "--rm", *flags, judge.image, "python", "-c", look)
    assert result.stdout.split() == ["1", str(512 * 2**20)], result.stderr
