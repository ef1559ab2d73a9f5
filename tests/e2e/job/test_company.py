"""What else is on the machine: other runs, a folder that vanishes, no network, a GPU in use."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.job.masks import same_masks, whole_masks
from tests.helpers.support import REPO, job, read_masks, run_infer


def test_an_output_folder_that_vanishes_is_exit_4(forty_scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    command = job(forty_scenes, out)
    with subprocess.Popen(
        command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None and not (out.is_dir() and any(out.glob("*.png"))):
            time.sleep(0.005)
        moved = out.rename(tmp_path / "moved")
        _, said = process.communicate(timeout=120)
    if process.returncode == 0:
        pytest.skip("the run was faster than the fault")
    assert process.returncode == 4
    assert "Traceback" not in said
    whole_masks(moved)


def test_two_runs_at_once_on_one_output_folder(
    forty_scenes: Path, undisturbed_masks: dict[str, np.ndarray], tmp_path: Path
) -> None:
    command = job(forty_scenes, tmp_path / "o")
    for _ in range(3):
        runs = [subprocess.Popen(command, cwd=REPO, stdout=subprocess.DEVNULL) for _ in range(2)]
        assert [run.wait(timeout=120) for run in runs] == [0, 0]
        assert same_masks(read_masks(tmp_path / "o"), undisturbed_masks)


def test_without_any_network(
    forty_scenes: Path, undisturbed_masks: dict[str, np.ndarray], tmp_path: Path
) -> None:
    command = ["unshare", "--net", *job(forty_scenes, tmp_path / "o")]
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode:
        pytest.skip("no network namespaces here")
    assert subprocess.run(command, cwd=REPO, capture_output=True, timeout=120).returncode == 0
    assert same_masks(read_masks(tmp_path / "o"), undisturbed_masks)


HOG = """
import sys, time, torch
free, _ = torch.cuda.mem_get_info()
taken = torch.empty(max(0, free - int(sys.argv[1])), dtype=torch.uint8, device="cuda")
print("full", flush=True)
time.sleep(600)
"""


@pytest.mark.gpu
@pytest.mark.parametrize("megabytes", [50, 400, 1500])
def test_a_gpu_that_another_program_has_filled(
    forty_scenes: Path, undisturbed_masks: dict[str, np.ndarray], tmp_path: Path, megabytes: int
) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    hog = subprocess.Popen(
        [sys.executable, "-c", HOG, str(megabytes * 2**20)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert hog.stdout
        assert hog.stdout.readline() == "full\n"
        result = run_infer("--input", forty_scenes, "--output", tmp_path / "o")
    finally:
        hog.kill()
        hog.wait()
    assert result.returncode == 0, result.stderr
    masks = read_masks(tmp_path / "o")
    assert masks.keys() == undisturbed_masks.keys()
    equal = [np.mean(masks[name] == undisturbed_masks[name]) for name in masks]
    assert np.mean(equal) > 0.999
