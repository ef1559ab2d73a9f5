"""Whatever a GPU does: one mask for each scene, black ones named, and the exit code of the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.helpers.job.patches import stale
from tests.helpers.support import read_masks, run_infer
from tests.rehearsal.pretend.conftest import CUT, SMALL_TILES, Rehearsed
from tests.rehearsal.pretend.matrix import ENGINE, GPU, ORT, PRETEND, ROWS, Row, lost

NOTHING = Row("nothing", GPU, "")
ONE_LINE = [
    Row("no driver, and a GPU is asked for", GPU, "open_context = lambda: 'the driver is not here'"),
    Row("no memory, and a GPU is asked for", ENGINE, lost(1, "torch.OutOfMemoryError('CUDA out of memory')")),
    Row("lost at once, and a GPU is asked for", ENGINE, lost(1)),
    Row("broken torch, and a GPU is asked for", GPU, "import sys; sys.modules['torch'] = None"),
]  # fmt: skip
SAME = 0.998  # of the pixels, where another engine has made the mask


class Outcome(NamedTuple):
    """Of a job: its exit code, stderr, report, and masks by the names of their scenes."""

    code: int
    said: str
    report: dict[str, Any]
    masks: dict[str, np.ndarray]


def rehearse(row: Row, rehearsed: Rehearsed, folder: Path) -> Outcome:
    """Run the job with a row's fault."""
    report, output = folder / "report.json", folder / "out"
    line = ["--input", rehearsed.folder, "--output", output, "--report", report]
    result = run_infer(
        *line, "--device", row.wanted, "--engine", row.engine, *SMALL_TILES, patches=row.patches
    )
    found = json.loads(report.read_text()) if report.exists() else {}
    masks = read_masks(output) if output.exists() else {}
    masks = {name.replace(".png", ".tif"): mask for name, mask in masks.items()}
    return Outcome(result.returncode, result.stderr, found, masks)


@pytest.fixture(scope="module")
def outcomes(
    rehearsed: Rehearsed, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Outcome]]]:
    """By the names of the rows asked for; two at a time, as most of a job is a start in one thread."""
    chosen = [getattr(item, "callspec", None) for item in request.session.items if item.path == request.path]
    rows = {call.params["row"] for call in chosen if call and "row" in call.params}
    with ThreadPoolExecutor(2) as pool:
        yield {
            row.name: pool.submit(rehearse, row, rehearsed, tmp_path_factory.mktemp("row"))
            for row in [row for row in [*ROWS, *ONE_LINE] if row in rows]
        }


def test_without_a_fault_the_masks_are_those_of_torch_on_a_cpu(rehearsed: Rehearsed, tmp_path: Path) -> None:
    code, said, report, masks = rehearse(NOTHING, rehearsed, tmp_path)
    assert (code, report["device"], report["precision"]) == (0, "cuda", "fp16")
    assert [(r["stage"], r["reason"][:4]) for r in report["redone"]] == [("decode", "DALI")], said
    assert masks.keys() == rehearsed.masks.keys()
    for name, mask in masks.items():
        np.testing.assert_array_equal(mask, rehearsed.masks[name], err_msg=name)


@pytest.mark.parametrize("row", [*ROWS, *ONE_LINE], ids=lambda row: row.name)
def test_a_fault_is_about_what_the_job_has(row: Row) -> None:
    assert stale(row.patches) == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_fault_costs_a_mask(row: Row, rehearsed: Rehearsed, outcomes: dict[str, Future[Outcome]]) -> None:
    code, said, report, masks = outcomes[row.name].result()
    assert code == 0, said
    assert row.says in said
    assert "Traceback" not in said
    assert report["device"] == row.device
    assert row.precision in report["precision"]
    assert report["engine"] == (row.by or row.engine if row.device == "cuda" else "onnxruntime")
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


@pytest.mark.parametrize("row", ONE_LINE, ids=lambda row: row.name)
def test_a_gpu_that_is_asked_for_and_does_not_start_is_one_line(
    row: Row, outcomes: dict[str, Future[Outcome]]
) -> None:
    code, said, *_ = outcomes[row.name].result()
    assert code == 2
    (line,) = (text for text in said.splitlines() if text.startswith("infer: "))  # libtiff has its own
    assert "Traceback" not in said
    assert line.startswith("infer: --device cuda, but there is no usable GPU (")
    assert "nvidia-smi" in line


def test_onnxruntime_that_is_not_there_is_one_line(rehearsed: Rehearsed, tmp_path: Path) -> None:
    patches = {name: lines for name, lines in Row("", GPU, "").patches.items() if name != ORT}
    line = ["--input", rehearsed.folder, "--output", tmp_path / "out", "--engine", "ort-cuda"]
    result = run_infer(*line, patches=patches)
    assert result.returncode == 2
    (said,) = (text for text in result.stderr.splitlines() if text.startswith("infer: "))
    assert said.startswith("infer: the engine ort-cuda needs onnxruntime-gpu, which is not there: install ")


def test_a_small_job_is_left_to_the_cpu(rehearsed: Rehearsed, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    line = ["--input", rehearsed.folder, "--output", tmp_path / "out", "--report", report]
    assert run_infer(*line, patches=PRETEND).returncode == 0
    assert json.loads(report.read_text())["device"] == "cpu"
