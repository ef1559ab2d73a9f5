"""./run.sh dry-run as a program: its arguments, its own job, its score against another library's, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from torchmetrics.classification import BinaryF1Score, MulticlassAccuracy, MulticlassJaccardIndex

from tests.helpers.judging.judged import SCHEMA, SIZES, judge
from tests.helpers.judging.submission import mask_of
from tests.helpers.support import REPO, heed_signals, shared
from train_offline.commands import dry_run
from train_offline.judging.measure.timeline import WORDS


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "nowhere"], "nowhere"),
        (["--frobnicate"], "frobnicate"),
        (["--device", "abacus"], "abacus"),
        (["--weights", "none.safetensors"], "none.safetensors"),
        (["--report-dir", "/dev/null/x"], "--report-dir"),
        (["--keep", "{data}"], "not empty"),
        (["--repeat", "0"], "at least 1"),
        (["--time-limit", "-1"], "above 0"),
        (["--memory", "lots"], "8g"),
        (["--memory", "1"], "6m"),
        (["--time-limit", "1e10"], "at most"),
        (["--image", ""], "empty"),
        (["--image=--help"], "--help"),
        (["--data", "x" * 300], "no such folder"),
        (["--docker", "--image", "x"], "give one of them"),
        (["--image", "x", "--weights", "{data}/val.csv"], "--weights"),
        (["--image", "x", "--threshold", "0.4"], "--threshold"),
        (["--threshold", "1"], "--threshold"),
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


def test_without_an_engine_a_container_is_a_wrong_call(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    for flags in (["--docker"], ["--image", "sea-ice"]):
        assert dry_run.main(["--data", str(data), "--report-dir", str(tmp_path / "r"), *flags]) == 2
        (line,) = capfd.readouterr().err.splitlines()
        assert "docker" in line.lower()


def test_the_whole_play_with_the_real_job(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert dry_run.main(["--data", str(data), "--device", "cpu", "--keep", "masks"]) == 0
    said = capfd.readouterr().out
    assert "FWIoU" in said
    report = json.loads((tmp_path / "runs" / "dry-run" / "report.json").read_text())
    jsonschema.validate(report, SCHEMA)
    assert report["passed"] is True
    assert {scene["status"] for scene in report["scenes"]} == {"ok"}
    assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == ["s.0.png", "s.1.png", "s.2.png"]
    parts = {part["name"]: part["seconds"] for part in report["seconds"]["parts"]}
    assert set(parts) == set(WORDS) - {"job", "retries"}
    wall = report["seconds"]["wall"]["median"]
    assert abs(sum(parts.values()) - wall) < 0.05 * wall
    assert parts["imports"] > 0
    assert report["cost"]["peak_bytes"] > 50e6
    assert (report["cost"]["peak_is_of"], report["cost"]["limit_bytes"]) == ("processes", None)
    assert report["submission"]["packages"]["numpy"] == np.__version__
    assert report["redone"] == []
    assert report["cost"]["cpu_seconds"] > 0
    assert len(report["cost"]["samples"]["at"]) > 3


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


@pytest.mark.parametrize("kind", ["as drawn", "no ice at all", "all ice"])
def test_the_score_is_that_of_another_library(data: Path, tmp_path: Path, kind: str) -> None:
    if kind != "as drawn":
        for path in (data / "gt").iterdir():
            Image.new("L", Image.open(path).size, 255 * (kind == "all ice")).save(path)
    _, report = judge(data, tmp_path / "r")
    for key, leave_out in (("score", True), ("score_with_ignored", False)):
        truth, said = pixels(data, leave_out)
        score = report[key]
        per_class = MulticlassJaccardIndex(2, average="none")(said, truth).tolist()
        weights = torch.bincount(truth, minlength=2) / truth.numel()
        assert score["ice_iou"] == pytest.approx(per_class[1], abs=1e-6)
        assert score["background_iou"] == pytest.approx(per_class[0], abs=1e-6)
        fwiou = sum(w * i for w, i in zip(weights.tolist(), per_class, strict=True))
        assert score["fwiou"] == pytest.approx(fwiou, abs=1e-6)
        assert score["accuracy"] == pytest.approx(
            float(MulticlassAccuracy(2, average="micro")(said, truth)), abs=1e-6
        )
        assert score["ice_f1"] == pytest.approx(float(BinaryF1Score()(said, truth)), abs=1e-6)


def pixels(data: Path, leave_out: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Truth and the prediction of tests.helpers.judging.submission, of all pixels: int64 [N], 0 and 1."""
    truths, predictions = [], []
    for number, size in enumerate(SIZES):
        truth = np.asarray(Image.open(data / "gt" / f"s.{number}.png"))
        said = np.asarray(mask_of(data / "image" / f"s.{number}.tif"))
        kept = np.ones(size, bool)
        if leave_out and (ignore := data / "ignore" / f"s.{number}.png").exists():
            kept = np.asarray(Image.open(ignore)) == 0
        truths.append(truth[kept] > 0)
        predictions.append(said[kept] > 0)
    truth, said = (torch.from_numpy(np.concatenate(parts)).long() for parts in (truths, predictions))
    return truth, said


@pytest.mark.parametrize("name", ["floes_modis", "bohai_dev"])
def test_real_data_folders_work_as_they_are(name: str, tmp_path: Path) -> None:
    folder = shared(f"data/{name}")
    code, report = judge(folder, tmp_path / "r")
    assert code == 0
    assert report["data"]["scored"] == len(list((folder / "image").iterdir()))
    assert (report["data"]["ignored_pixels"] > 0) == (folder / "ignore").is_dir()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_stopped_play_ends_its_job_and_leaves_no_folder(
    data: Path, tmp_path: Path, number: int, code: int
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(REPO)}
    play = subprocess.Popen(
        [sys.executable, "-m", "train_offline.commands.dry_run", "--data", str(data)],
        cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
        preexec_fn=heed_signals,
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
