"""Whatever a GPU does: one mask for each scene, black ones named, and the exit code of the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.support import read_masks, run_infer
from tests.rehearsal.pretend.conftest import CUT, SMALL_TILES, Rehearsed
from tests.rehearsal.pretend.matrix import ENGINE, GPU, PRETEND, ROWS, Row, lost

NOTHING = Row("nothing", GPU, "")
SAME = 0.998  # of the pixels, where another engine has made the mask


def rehearse(row: Row, rehearsed: Rehearsed, tmp_path: Path) -> tuple[int, str, dict[str, Any]]:
    """Exit code, stderr and report of the job."""
    line = ["--input", rehearsed.folder, "--output", tmp_path / "out", "--report", tmp_path / "report.json"]
    result = run_infer(*line, "--device", row.wanted, *SMALL_TILES, patches=row.patches)
    report = tmp_path / "report.json"
    return result.returncode, result.stderr, json.loads(report.read_text()) if report.exists() else {}


def masks_of(tmp_path: Path) -> dict[str, np.ndarray]:
    """By the names of the scenes."""
    return {name.replace(".png", ".tif"): mask for name, mask in read_masks(tmp_path / "out").items()}


def test_without_a_fault_the_masks_are_those_of_torch_on_a_cpu(rehearsed: Rehearsed, tmp_path: Path) -> None:
    code, said, report = rehearse(NOTHING, rehearsed, tmp_path)
    assert (code, report["device"], report["precision"]) == (0, "cuda", "fp16")
    assert [(r["stage"], r["reason"][:4]) for r in report["redone"]] == [("decode", "DALI")], said
    masks = masks_of(tmp_path)
    assert masks.keys() == rehearsed.masks.keys()
    for name, mask in masks.items():
        np.testing.assert_array_equal(mask, rehearsed.masks[name], err_msg=name)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_fault_costs_a_mask(row: Row, rehearsed: Rehearsed, tmp_path: Path) -> None:
    code, said, report = rehearse(row, rehearsed, tmp_path)
    assert code == 0, said
    assert row.says in said
    assert "Traceback" not in said
    assert report["device"] == row.device
    assert row.precision in report["precision"]
    masks = masks_of(tmp_path)
    assert masks.keys() == rehearsed.masks.keys()
    black = {scene["name"] for scene in report["scenes"] if scene["status"] == "degraded"}
    assert black == {CUT, *row.black}
    for name, mask in masks.items():
        if name in black:
            assert not mask.any()
            assert name in said
        else:
            assert mask.shape == rehearsed.masks[name].shape
            assert (mask == rehearsed.masks[name]).mean() > SAME, name


@pytest.mark.parametrize("row", [
    Row("no driver", GPU, "open_context = lambda: 'the driver is not here'"),
    Row("no memory", ENGINE, lost(1, "torch.OutOfMemoryError('CUDA out of memory')")),
    Row("lost at the start", ENGINE, lost(1)),
    Row("broken torch", GPU, "import sys; sys.modules['torch'] = None"),
], ids=lambda row: row.name)  # fmt: skip
def test_a_gpu_that_is_asked_for_and_does_not_start_is_one_line(
    row: Row, rehearsed: Rehearsed, tmp_path: Path
) -> None:
    code, said, _ = rehearse(row, rehearsed, tmp_path)
    assert code == 2
    (line,) = said.splitlines()
    assert line.startswith("infer: --device cuda, but there is no usable GPU (")
    assert "nvidia-smi" in line


def test_a_small_job_is_left_to_the_cpu(rehearsed: Rehearsed, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    line = ["--input", rehearsed.folder, "--output", tmp_path / "out", "--report", report]
    assert run_infer(*line, patches=PRETEND).returncode == 0
    assert json.loads(report.read_text())["device"] == "cpu"
