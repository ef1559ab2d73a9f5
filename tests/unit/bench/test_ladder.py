"""Every technique of the ladder is still a change of the job that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.ladder.gpu_rungs import GPU_RUNGS
from tests.bench.ladder.rungs import RUNGS, Rung
from tests.helpers.job.patches import stale
from tests.helpers.support import random_rgb, read_masks, run_infer, write_tiff

# Those of a GPU that change nothing but its engine wait for one.
ON_CPU = [
    *RUNGS, *(rung for rung in GPU_RUNGS if not any(".predict." in name for name in rung.patches)),
]  # fmt: skip
CHANGES = {str((rung.patches, rung.arguments)): rung for rung in ON_CPU}


@pytest.mark.parametrize("rung", [*RUNGS, *GPU_RUNGS], ids=lambda rung: rung.name)
def test_a_change_is_about_what_the_job_has(rung: Rung) -> None:
    assert stale(rung.patches) == []


@pytest.mark.parametrize("rung", CHANGES.values(), ids=lambda rung: rung.name)
def test_the_job_runs_with_the_change(rung: Rung, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for seed in range(3):
        write_tiff(folder / f"{seed}.tif", random_rgb(48, 64 + 16 * seed, seed))
    line = ("--input", folder, "--output", tmp_path / "out", "--device", "cpu", *rung.arguments)
    result = run_infer(*line, patches=dict(rung.patches))
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert len(read_masks(tmp_path / "out")) == 3
