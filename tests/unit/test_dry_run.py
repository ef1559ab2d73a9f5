"""The dry run: its audit names every fault, its score is that of the pixels, its exit code tells."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile
from PIL import Image

from infer.settings import UsageError
from tests.support import REPO
from train_offline import dry_run
from train_offline.audit import audit_masks, scene_size
from train_offline.boundary_metric import boundary_matches
from train_offline.dry_report import Result, summary, table, write_report
from train_offline.folder import Pair, listed_pairs
from train_offline.judge import stage_scenes, total_counts

HEIGHT, WIDTH = 24, 40


def random_mask(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random((height, width)) < 0.5, 255, 0).astype(np.uint8)


def save(path: Path, pixels: np.ndarray, mode: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, format="PNG")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of three scenes, two of them in val.csv, one of these with pixels to leave out."""
    folder = tmp_path / "my data"
    rng = np.random.default_rng(7)
    (folder / "image").mkdir(parents=True)
    for number in range(3):
        scene = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        tifffile.imwrite(folder / "image" / f"s.{number}.tif", scene, compression="lzw", predictor=2)
        save(folder / "gt" / f"s.{number}.png", random_mask(number))
    save(folder / "ignore" / "s.1.png", random_mask(100))
    rows = [f"image/s.{number}.tif,gt/s.{number}.png" for number in range(2)]
    (folder / "val.csv").write_text("\n".join(["image,label", *rows]) + "\n")
    return folder


def result(**changes: object) -> Result:
    facts = {
        "data": "scenes",
        "scenes": 4,
        "exit_code": 0,
        "wall": 2.0,
        "complaints": [],
        "counts": np.array([[[70, 10], [0, 20]], [[6, 8], [5, 10]]]),
        "counts_with_ignored": None,
        "job": {"seconds": {"start": 0.5, "setup": 0.25, "read": 0.1, "total": 1.5}, "scenes": []},
    }
    return Result(**{**facts, **changes})


# ---- audit
def test_a_folder_in_order_has_no_complaints(tmp_path: Path) -> None:
    save(tmp_path / "a.b.png", random_mask(1))
    save(tmp_path / "c.png", np.full((1, 1), 255, np.uint8))
    assert audit_masks({"a.b": (HEIGHT, WIDTH), "c": (1, 1)}, tmp_path) == []


def test_missing_and_extra_files_are_named(tmp_path: Path) -> None:
    save(tmp_path / "a.png", random_mask(1))
    (tmp_path / "left.png.tmp").write_bytes(b"x")
    complaints = audit_masks({"a": (HEIGHT, WIDTH), "b": (HEIGHT, WIDTH)}, tmp_path)
    assert complaints == ["b.png: missing", "left.png.tmp: should not be there"]


def test_a_folder_that_was_never_made_misses_every_mask(tmp_path: Path) -> None:
    assert audit_masks({"a": (1, 1)}, tmp_path / "none") == ["a.png: missing"]


@pytest.mark.parametrize(
    ("pixels", "mode", "words"),
    [
        (random_mask(2, WIDTH, HEIGHT), None, "24x40 pixels, its scene is 40x24"),
        (random_mask(2), "1", "mode 1"),
        (random_mask(2), "RGB", "mode RGB"),
        (random_mask(2), "P", "mode P"),
        (random_mask(2).astype(np.uint16) * 257, None, "mode I;16"),
        (random_mask(2) // 255, None, "holds the value 1"),
        (np.maximum(random_mask(2), 7), None, "holds the value 7"),
    ],
)
def test_a_mask_of_the_wrong_form_is_named(
    tmp_path: Path, pixels: np.ndarray, mode: str | None, words: str
) -> None:
    save(tmp_path / "a.png", pixels, mode)
    (complaint,) = audit_masks({"a": (HEIGHT, WIDTH)}, tmp_path)
    assert complaint.startswith("a.png: ")
    assert words in complaint


def test_a_truncated_mask_and_another_format_are_named(tmp_path: Path) -> None:
    save(tmp_path / "cut.png", random_mask(3, 200, 200))
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    Image.fromarray(random_mask(3)).save(tmp_path / "bmp.png", format="BMP")
    complaints = audit_masks({"cut": (200, 200), "bmp": (HEIGHT, WIDTH)}, tmp_path)
    assert [c.split(": ")[0] for c in complaints] == ["bmp.png", "cut.png"]
    assert "BMP" in complaints[0]
    assert "cannot be read" in complaints[1]


def test_a_large_mask_is_no_reason_for_a_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    mask = np.zeros((9500, 9500), np.uint8)  # above Pillow's limit of 89 megapixels
    mask[4000:, :10] = 255
    save(tmp_path / "big.png", mask)
    assert audit_masks({"big": mask.shape}, tmp_path) == []
    assert not recwarn.list


def test_the_size_comes_from_the_scene_or_else_from_its_truth(data: Path) -> None:
    pair = listed_pairs(data, "val.csv")[0]
    assert scene_size(pair) == (HEIGHT, WIDTH)
    pair.image.write_bytes(b"not a TIFF")
    assert scene_size(pair) == (HEIGHT, WIDTH)
    pair.label.write_bytes(b"nor a PNG")
    with pytest.raises(UsageError, match="how large"):
        scene_size(pair)


# ---- staging
def test_only_the_listed_scenes_are_laid_out(data: Path, tmp_path: Path) -> None:
    folder = stage_scenes(listed_pairs(data, "val.csv"), tmp_path / "input")
    assert sorted(p.name for p in folder.iterdir()) == ["s.0.tif", "s.1.tif"]
    assert (folder / "s.0.tif").read_bytes() == (data / "image" / "s.0.tif").read_bytes()


def test_two_scenes_of_one_name_are_refused(data: Path, tmp_path: Path) -> None:
    pair = listed_pairs(data, "val.csv")[0]
    twin = Pair(data / "other" / "s.0.tiff", pair.label, None)
    with pytest.raises(UsageError, match="name"):
        stage_scenes([pair, twin], tmp_path / "input")


# ---- score
def masks_of(number: int, leave_out: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, prediction and ignored pixels of a scene of `data`, as the test below writes them."""
    ignore = random_mask(100) if number == 1 and leave_out else np.zeros((HEIGHT, WIDTH), np.uint8)
    return random_mask(number), random_mask(50 + number), ignore


@pytest.mark.parametrize("leave_out", [True, False])
def test_pixels_are_summed_over_scenes_and_ignored_ones_left_out(
    data: Path, tmp_path: Path, leave_out: bool
) -> None:
    masks = tmp_path / "masks"
    for number in range(2):
        save(masks / f"s.{number}.png", random_mask(50 + number))
    expected, everywhere = np.zeros((2, 2), np.int64), np.ones((HEIGHT, WIDTH), bool)
    for number in range(2):
        kept = random_mask(100) == 0 if number == 1 and leave_out else everywhere
        for truth, said in zip(random_mask(number)[kept], random_mask(50 + number)[kept], strict=True):
            expected[int(truth > 0), int(said > 0)] += 1
    found = total_counts(listed_pairs(data, "val.csv"), masks, leave_out)
    assert np.array_equal(found[0], expected)
    boundaries = [boundary_matches(*masks_of(number, leave_out)) for number in range(2)]
    assert np.array_equal(found[1], sum(boundaries))


def test_a_scene_without_a_usable_mask_is_not_scored(data: Path, tmp_path: Path) -> None:
    save(tmp_path / "masks" / "s.0.png", random_mask(0))
    save(tmp_path / "masks" / "s.1.png", random_mask(1, HEIGHT, WIDTH + 1))
    confusion, _ = total_counts(listed_pairs(data, "val.csv"), tmp_path / "masks")
    ice = np.count_nonzero(random_mask(0))
    assert confusion.tolist() == [[HEIGHT * WIDTH - ice, 0], [0, ice]]


# ---- report
def test_the_report_holds_score_seconds_and_rate(tmp_path: Path) -> None:
    facts = json.loads(write_report(result(), tmp_path).read_text())
    assert facts["passed"] is True
    assert facts["confusion"] == [[70, 10], [0, 20]]
    assert facts["ice_iou"] == pytest.approx(20 / 30)
    assert facts["background_iou"] == pytest.approx(70 / 80)
    assert facts["ice_f1"] == pytest.approx(40 / 50)
    assert facts["background_f1"] == pytest.approx(140 / 150)
    assert facts["accuracy"] == pytest.approx(0.9)
    assert facts["boundary_f1"] == pytest.approx(2 * 0.75 * 0.5 / 1.25)
    assert facts["with_ignored_pixels"] is None
    assert facts["fwiou"] == pytest.approx(0.8 * 70 / 80 + 0.2 * 20 / 30)
    assert facts["scenes_per_second"] == 2.0
    assert facts["seconds"] == {"start-up": 0.75, "read": 0.1, "total": 1.5, "wall": 2.0}


def test_a_score_that_does_not_exist_is_null_and_said(tmp_path: Path) -> None:
    nothing = result(counts=np.zeros((2, 2, 2), np.int64))
    assert json.loads(write_report(nothing, tmp_path).read_text())["fwiou"] is None
    assert "none" in table(nothing)


def test_the_scores_with_the_ignored_pixels_are_told_apart() -> None:
    everything = result(counts_with_ignored=np.array([[[70, 20], [0, 30]], [[6, 8], [5, 10]]]))
    facts = summary(everything)
    assert facts["ice_iou"] == pytest.approx(20 / 30)
    assert facts["with_ignored_pixels"]["ice_iou"] == pytest.approx(30 / 50)
    (line,) = (line for line in table(everything).splitlines() if line.startswith("with ignored"))
    assert "IoU of ice 0.6000" in line


@pytest.mark.parametrize(
    ("changes", "passed", "words"),
    [
        ({}, True, "passed"),
        ({"job": {"scenes": [{"status": "degraded"}, {"status": "ok"}]}}, True, "1 degraded"),
        ({"complaints": ["a.png: missing"]}, False, "1 complaint"),
        ({"exit_code": 4, "job": {}}, False, "exit code 4"),
    ],
)
def test_the_verdict_follows_the_job_and_the_audit(changes: dict, passed: bool, words: str) -> None:
    assert result(**changes).passed is passed
    assert summary(result(**changes))["passed"] is passed
    verdict = next(line for line in table(result(**changes)).splitlines() if line.startswith("verdict"))
    assert words in verdict


# ---- the program
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "nowhere"], "nowhere"),
        (["--frobnicate"], "frobnicate"),
        (["--device", "abacus"], "abacus"),
        (["--weights", "none.safetensors"], "none.safetensors"),
        (["--report-dir", "/dev/null/x"], "--report-dir"),
        (["--keep", "{data}"], "not empty"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_2(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [argument.format(data=data) for argument in arguments]
    if "--data" not in given:
        given = ["--data", str(data), *given]
    assert dry_run.main(given) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert words in line


def test_the_whole_play_on_real_files(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert dry_run.main(["--data", str(data), "--device", "cpu", "--keep", "masks"]) == 0
    said = capfd.readouterr().out
    assert "FWIoU" in said
    facts = json.loads((tmp_path / "runs" / "dry-run" / "report.json").read_text())
    assert facts["passed"] is True
    assert facts["scenes"] == 2
    assert {scene["name"] for scene in facts["job"]["scenes"]} == {"s.0.tif", "s.1.tif"}
    masks = sorted((tmp_path / "masks").iterdir())
    assert [mask.name for mask in masks] == ["s.0.png", "s.1.png"]
    kept = np.count_nonzero(random_mask(100) == 0)
    assert np.sum(facts["confusion"]) == HEIGHT * WIDTH + kept
    assert 0 < facts["seconds"]["total"] <= facts["seconds"]["wall"]


def test_broken_weights_are_a_wrong_call(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.safetensors").write_bytes(b"no weights")
    assert dry_run.main(["--data", str(data), "--weights", "broken.safetensors"]) == 2
    output = capfd.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    assert "broken.safetensors" in line


def test_a_truth_of_another_size_is_a_wrong_call(data: Path, capfd: pytest.CaptureFixture) -> None:
    truth = min((data / "gt").iterdir())
    Image.fromarray(np.full((7, 9), 255, np.uint8)).save(truth)
    assert dry_run.main(["--data", str(data)]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert str(truth) in line
    assert "7x9" in line


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_play_ends_its_job_and_leaves_no_folder(
    data: Path, tmp_path: Path, number: int, code: int
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(REPO)}
    play = subprocess.Popen(
        [sys.executable, "-m", "train_offline.dry_run", "--data", str(data)],
        cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while play.poll() is None and not (jobs := psutil.Process(play.pid).children()):
        time.sleep(0.005)
    time.sleep(0.3)  # not between the job's birth and the moment when its parent knows of it
    play.send_signal(number)
    _, stderr = play.communicate(timeout=60)
    assert play.returncode == code
    assert stderr.splitlines()[-1] == "dry-run: stopped"
    _, alive = psutil.wait_procs(jobs, timeout=5)
    assert all(job.status() == psutil.STATUS_ZOMBIE for job in alive)  # killed; nobody has looked yet
    assert list(scratch.iterdir()) == []
