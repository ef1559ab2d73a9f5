"""The dry run as a judge: strangers' submissions, each with one planted fault, as real processes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import jsonschema
import psutil
import pytest
from PIL import Image

from tests.helpers.judging.judged import SCHEMA, SIZES, judge
from tests.helpers.support import random_rgb, write_tiff
from train_offline.judging.report.checks import CHECKS

FAULTS = {
    "nothing": ("missing", "s.0.png", "no such file"),
    "missing": ("missing", "s.1.png", "no such file"),
    "stem": ("stem", "s.1.tif.png", "named after no scene"),
    "extra": ("extra", "log.txt", "should not be there"),
    "partial": ("partial", "s.1.png", "ends in the middle"),
    "left part": ("partial", ".a.png.part", "rest of a file"),
    "jpeg": ("unreadable", "s.1.png", "JPEG"),
    "noise": ("unreadable", "s.1.png", "cannot be read"),
    "folder": ("unreadable", "s.1.png", "is a folder"),
    "pipe": ("unreadable", "s.1.png", "no plain file"),
    "size": ("size", "s.1.png", "is 83x80 pixels, its scene is 80x80"),
    "rgb": ("mode", "s.1.png", "8 bits of RGB"),
    "one bit": ("mode", "s.1.png", "1 bits of grey"),
    "sixteen bit": ("mode", "s.1.png", "16 bits of grey"),
    "palette": ("mode", "s.1.png", "8 bits of palette"),
    "values": ("values", "s.1.png", "holds 1 beside 0 and 255"),
    "smoothed": ("values", "s.1.png", "holds 7, 254 beside"),
    "rights": ("permissions", "s.1.png", "mode 0600"),
    "link": ("outside", "s.1.png", "is a link to /etc/hostname"),
    "outside": ("outside", "log.txt", "outside of the output folder"),
    "working folder": ("outside", "work/cache.bin", "outside of the output folder"),
    "input": ("outside", "input-0/seen.txt", "outside of the output folder"),
    "no working folder": ("outside", "work", "was removed"),
    "another folder": ("outside", "", "replaced by a link"),
    "removed": ("outside", "s.0.tif", "changed or removed"),
    "crash": ("exit", "", "RuntimeError: out of ideas"),
    "exit code": ("exit", "", "exit code 7"),
    "signal": ("exit", "", "signal 11"),
    "processes": ("processes", "", "sleep 600"),
}


def test_a_submission_in_order_passes(data: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    code, report = judge(data, tmp_path / "r")
    assert (code, report["passed"], report["findings"]) == (0, True, [])
    assert report["data"] | {"folder": 0} == {
        "folder": 0,
        "scenes": 3,
        "with_truth": 3,
        "scored": 3,
        "megapixels": pytest.approx(sum(h * w for h, w in SIZES) / 1e6),
        "ignored_pixels": report["data"]["ignored_pixels"],
    }
    assert report["data"]["ignored_pixels"] > 0
    jsonschema.validate(report, SCHEMA)
    assert {check["name"] for check in report["checks"] if not check["passed"]} == {"time"}, "no limit given"
    said = capfd.readouterr()
    assert "verdict      passed" in said.out
    assert str(tmp_path / "r" / "report.html") in said.out


@pytest.mark.parametrize("fault", FAULTS)
def test_every_planted_fault_is_found_named_and_fails_the_run(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture, fault: str
) -> None:
    code, report = judge(data, tmp_path / "r", fault)
    kind, file, words = FAULTS[fault]
    finding = next(one for one in report["findings"] if (one["kind"], one["file"]) == (kind, file))
    assert words in finding["what"], finding
    assert finding["fix"]
    assert (code, report["passed"]) == (1, False)
    assert report["verdict"].startswith("FAILED")
    jsonschema.validate(report, SCHEMA)
    (check,) = (check.name for check in CHECKS if kind in check.kinds)
    assert check in {one["name"] for one in report["checks"] if one["passed"] is False}
    assert (tmp_path / "r" / "report.html").stat().st_size > 10_000
    if fault not in ("nothing", "crash", "signal", "another folder"):
        assert len(report["findings"]) == 1, report["findings"]
    assert f"dry-run: {file + ': ' if file else ''}{finding['what']}" in capfd.readouterr().err


def test_a_scene_without_a_mask_says_so_itself(data: Path, tmp_path: Path) -> None:
    _, report = judge(data, tmp_path / "r", "missing")
    assert {s["name"]: [f["kind"] for f in s["findings"]] for s in report["scenes"]} == {
        "s.0": [], "s.1": ["missing"], "s.2": [],
    }  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_mask_of_another_user_is_found(data: Path, tmp_path: Path) -> None:
    code, report = judge(data, tmp_path / "r", "owner")
    (finding,) = report["findings"]
    assert (code, finding["kind"], finding["file"]) == (1, "owner", "s.1.png")
    assert "4711" in finding["what"]


def test_a_job_that_hangs_is_killed_with_its_children(data: Path, tmp_path: Path) -> None:
    began, before = time.monotonic(), psutil.Process().children(recursive=True)
    code, report = judge(data, tmp_path / "r", "hang", time_limit=3.0)
    assert time.monotonic() - began < 60
    assert code == 1
    assert report["findings"][0]["kind"] == "time"
    assert "still waiting for the network" in report["findings"][0]["what"]
    assert report["last_lines"][-1] == "still waiting for the network"
    left = [p for p in psutil.Process().children(recursive=True) if p not in before]
    assert not [p for p in left if p.status() != psutil.STATUS_ZOMBIE]


def test_a_job_that_prints_megabytes_is_cut_short(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    code, report = judge(data, tmp_path / "r", "megabytes")
    assert code == 0
    assert report["cost"]["printed_bytes"] > 4e6
    said = capfd.readouterr().out
    assert len(said) < 100_000
    assert "not shown" in said
    assert (tmp_path / "r" / "report.html").stat().st_size < 1e6


def test_truths_that_are_not_there_are_said_and_cost_only_the_score(data: Path, tmp_path: Path) -> None:
    (data / "gt" / "s.2.png").unlink()
    code, report = judge(data, tmp_path / "r")
    assert (code, report["data"]["scored"]) == (0, 2)
    assert any("s.2.tif" in note for note in report["notes"])
    for path in (data / "gt").iterdir():
        path.unlink()
    code, report = judge(data, tmp_path / "r")
    assert (code, report["score"], report["passed"]) == (0, None, True)
    assert any("no scene has a true mask" in note for note in report["notes"])
    jsonschema.validate(report, SCHEMA)


def test_a_truth_that_was_smoothed_is_named_beside_the_score(data: Path, tmp_path: Path) -> None:
    for number in (0, 1):
        truth = data / "gt" / f"s.{number}.png"
        Image.open(truth).point(lambda value: value or 9).save(truth)
    code, report = judge(data, tmp_path / "r")
    assert (code, report["data"]["scored"]) == (0, 3)
    (note,) = (note for note in report["notes"] if "doubtful" in note)
    assert "gt/s.0.png holds 9 beside 0 and 255" in note
    assert "1 more" in note
    jsonschema.validate(report, SCHEMA)


@pytest.mark.parametrize("content", [b"no image", None])
def test_a_truth_that_cannot_be_used_fails_the_run_and_is_named(
    data: Path, tmp_path: Path, content: bytes | None
) -> None:
    truth = data / "gt" / "s.0.png"
    if content is None:
        Image.new("L", (9, 7), 255).save(truth)
    else:
        truth.write_bytes(content)
    code, report = judge(data, tmp_path / "r")
    (finding,) = report["findings"]
    assert (code, finding["kind"], finding["file"]) == (1, "truth", "gt/s.0.png")
    assert ("9x7" in finding["what"]) == (content is None)
    assert report["data"]["scored"] == 2


def test_a_folder_of_scenes_alone_is_enough(data: Path, tmp_path: Path) -> None:
    code, report = judge(data / "image", tmp_path / "r")
    assert (code, report["data"]["scenes"], report["data"]["with_truth"]) == (0, 3, 0)


def test_a_broken_scene_is_judged_by_what_the_contract_says(data: Path, tmp_path: Path) -> None:
    (data / "image" / "t.tif").write_bytes(b"no TIFF")
    code, report = judge(data, tmp_path / "r", "nothing")
    assert code == 1
    sizes = {scene["name"]: (scene["height"], scene["width"]) for scene in report["scenes"]}
    assert sizes["t"] == (512, 512)


def test_names_of_any_kind_end_in_a_report(data: Path, tmp_path: Path) -> None:
    names = ["<b>&amp;</b>", "zwei\nZeilen", "dr'ei\"", os.fsdecode(b"vier\xff"), "</script>"]
    for name in names:
        write_tiff(data / "image" / f"{name}.tif".replace("/", "_"), random_rgb(32, 40, 5))
    code, report = judge(data, tmp_path / "r")
    assert (code, report["data"]["scenes"]) == (0, 8)
    assert judge(data, tmp_path / "r")[1]["comparison"]["new_scenes"] == 0
    page = (tmp_path / "r" / "report.html").read_text()
    assert page.count("<script") == page.count("</script>") == 2
    assert "<b>&amp;</b>" not in page


def test_each_scene_by_itself_has_its_own_seconds(data: Path, tmp_path: Path) -> None:
    code, report = judge(data, tmp_path / "r", per_scene=True, repeat=2)
    assert code == 0
    seconds = [scene["seconds"] for scene in report["scenes"]]
    assert all(value > 0 for value in seconds)
    wall = report["seconds"]["wall"]
    assert len(wall["runs"]) == 2
    assert wall["min"] <= wall["median"] <= wall["max"]
    assert sum(seconds) == pytest.approx(wall["runs"][-1])


def test_an_earlier_run_is_compared_with_and_the_history_grows(data: Path, tmp_path: Path) -> None:
    _, first = judge(data, tmp_path / "r")
    assert first["comparison"] is None
    _, second = judge(data, tmp_path / "r", "missing")
    comparison = second["comparison"]
    assert (comparison["better"], comparison["worse"], comparison["same"]) == (0, 0, 2)
    assert comparison["fwiou"][0] == pytest.approx(first["score"]["fwiou"], abs=1e-5)
    assert comparison["scenes"]["s.0"] == {"fwiou": pytest.approx(0, abs=1e-6), "same_mask": True}
    rows = (tmp_path / "r" / "history.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * 4
    (tmp_path / "r" / "history.csv").write_text("something,else\n1,2\n")
    assert judge(data, tmp_path / "r")[1]["comparison"] is None
    assert (tmp_path / "r" / "history.old.csv").read_text().startswith("something")


def test_cold_runs_say_whether_the_cache_could_be_dropped(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train_offline.judging.run.page_cache.DROP", tmp_path / "no such folder" / "file")
    _, report = judge(data, tmp_path / "r", cold=True)
    assert any("not dropped" in note for note in report["notes"])


def test_masks_can_be_kept(data: Path, tmp_path: Path) -> None:
    judge(data, tmp_path / "r", keep=tmp_path / "kept")
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["s.0.png", "s.1.png", "s.2.png"]
