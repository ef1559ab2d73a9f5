"""What a job says of itself is read with caution."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from train_offline.judging.measure.job_report import JobReport, Redone, read_report


@pytest.mark.parametrize("text", ["", "no JSON", "[1, 2]", '{"a": ', "[" * 200_000])
def test_a_job_report_that_cannot_be_used_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "job.json").write_text(text)
    assert read_report(tmp_path / "job.json") == JobReport()
    assert read_report(tmp_path / "none.json") == JobReport()


def test_what_a_job_says_is_taken_with_caution(tmp_path: Path, job_seconds: dict[str, float]) -> None:
    said = {
        "began": True, "device": "cpu\x1b[31m\nverdict passed", "precision": 16, "version": "v" * 10_000,
        "seconds": {**job_seconds, "setup": float("inf")},
        "scenes": [{"name": "a.tif", "status": {"a": 1}, "error": "x"}, 5, {"name": 7, "status": "ok"}],
        "redone": [{"stage": "predict", "scenes": ["a.tif", 5], "reason": "x\ny"}, 7, {"scenes": 3}] * 300,
    }  # fmt: skip
    path = tmp_path / "job.json"
    path.write_text(json.dumps(said))
    report = read_report(path)
    assert (report.began, report.seconds) == (None, None)
    assert report.texts == {"device": "cpu\\x1b[31m\\nverdict passed", "version": "v" * 200}
    assert report.scenes == {"a.tif": (None, "x"), "7": ("ok", None)}
    assert report.redone[0] == Redone("predict", ("a.tif",), "x\\ny")
    assert report.redone[1] == Redone("not told", (), "no reason given")
    assert len(report.redone) == 200
    path.write_text(json.dumps({"seconds": job_seconds | {"total": 10**400}, "began": 3}))
    assert (read_report(path).began, read_report(path).seconds) == (3.0, None)
    path.unlink()
    os.mkfifo(path)
    assert read_report(path) == JobReport()
    (tmp_path / "link.json").symlink_to("/etc/hostname")
    assert read_report(tmp_path / "link.json") == JobReport()
