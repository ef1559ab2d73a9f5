"""--resume keeps whole masks and makes the others as the whole job would have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from infer.predict.hardware import cpu_is_fast_at_bf16
from tests.helpers.support import read_masks, run_infer, write_tiff
from train_offline.scenery.scene import make_scene


def test_resume_says_again_which_scenes_have_no_header(three_scenes: Path, tmp_path: Path) -> None:
    (three_scenes / "bad.tif").write_text("no")
    for extra in ([], ["--resume"]):
        result = run_infer("--input", three_scenes, "--output", tmp_path / "o", "--strict", *extra)
        assert result.returncode == 3
        assert "infer: bad.tif: not a TIFF file" in result.stderr


def test_resume_keeps_whole_masks_and_makes_the_others(three_scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    assert run_infer("--input", three_scenes, "--output", out).returncode == 0
    first = read_masks(out)
    (out / "odd.png").write_bytes((out / "odd.png").read_bytes()[:60])
    (out / "plain.png").unlink()
    kept = (out / "a.b.png").stat().st_mtime_ns
    result = run_infer("--input", three_scenes, "--output", out, "--resume")
    assert "1 kept" in result.stdout
    assert (out / "a.b.png").stat().st_mtime_ns == kept
    second = read_masks(out)
    assert first.keys() == second.keys()
    assert all((first[name] == second[name]).all() for name in first)


def test_what_is_left_of_a_large_job_is_computed_as_the_whole_was(tmp_path: Path) -> None:
    folder, out, facts = tmp_path / "in", tmp_path / "out", tmp_path / "report.json"
    folder.mkdir()
    for i in range(3):
        write_tiff(folder / f"{i}.tif", make_scene(i, 1024, 1024, ice=True).image)
    masks, precisions = [], []
    for _ in range(2):
        result = run_infer(
            "--input", folder, "--output", out, "--resume", "--report", facts, "--device", "cpu"
        )
        assert (result.returncode, result.stderr) == (0, "")
        masks.append(read_masks(out))
        precisions.append(json.loads(facts.read_text())["precision"])
        (out / "1.png").unlink()
    assert precisions[0] == precisions[1] == ("bf16" if cpu_is_fast_at_bf16() else "fp32")
    assert all(np.array_equal(masks[0][name], masks[1][name]) for name in masks[0])


def test_masks_of_another_threshold_are_made_anew_and_the_report_names_it(tmp_path: Path) -> None:
    folder, out, facts = tmp_path / "in", tmp_path / "out", tmp_path / "report.json"
    folder.mkdir()
    write_tiff(folder / "a.tif", make_scene(2, 384, 384, ice=True).image)
    shares = []
    for threshold, kept in (("0.1", 0), ("0.9", 0), ("0.9", 1)):
        result = run_infer(
            "--input", folder, "--output", out, "--resume", "--report", facts, "--threshold", threshold
        )
        assert result.returncode == 0, result.stderr
        report = json.loads(facts.read_text())
        assert [scene["status"] for scene in report["scenes"]] == ["kept" if kept else "ok"]
        assert report["threshold"] == float(threshold)
        shares.append(np.mean(read_masks(out)["a.png"] > 0))
    assert shares[0] > shares[1] + 0.01
    assert shares[1] == shares[2] > 0
