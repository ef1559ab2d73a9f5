"""Training as a user runs it: it learns, resumes bit for bit, saves on a signal, complains in one line."""

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.helpers.blobs import write_scene
from train_offline.commands.train import main
from train_offline.models.build import NetworkSettings, build, pad_to_stride
from train_offline.runtime.devices import make_fabric
from train_offline.training import checkpoint
from train_offline.training.config.settings import TrainSettings
from train_offline.training.optimisation.schedule import End, learning_rate
from train_offline.training.step import Trainer

REPO = Path(__file__).resolve().parents[4]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def data(tmp_path):
    for number in range(4):
        write_scene(tmp_path / "data", str(number), number)
    return tmp_path / "data"


def arguments(data, run, *more):
    preset = "--preset modern --ice-crops 0 --no-tensorboard"
    crops = "--crop 32 --batch 2 --epoch-crops 8 --augment geometry --workers 0"
    usual = f"{preset} {crops} --precision fp32 --device cpu".split()
    return ["--data", str(data), "--run", str(run), *usual, *map(str, more)]


def history(run):
    with (run / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def same_weights(first, second):
    a, b = checkpoint.load(first / "last.pt"), checkpoint.load(second / "last.pt")
    assert a.step == b.step
    return all(torch.equal(x, y) for x, y in zip(a.ema.values(), b.ema.values(), strict=True)) and all(
        torch.equal(x, y) for x, y in zip(a.model.values(), b.model.values(), strict=True)
    )


def test_it_learns_bright_blobs_and_logs_what_it_did(data, tmp_path, capsys):
    write_scene(tmp_path / "held out", "x", 99)
    run = tmp_path / "run"
    more = ("--val", tmp_path / "held out", "--steps", 40, "--epoch-crops", 80, "--ema", 0.8, "--lr", 0.003)
    assert main([*arguments(data, run), *map(str, more), "--batch", "4", "--crop", "64"]) == 0
    rows = history(run)
    assert [row["step"] for row in rows] == ["20", "40"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"]) < 2
    assert float(rows[-1]["held out/ice_iou"]) > 0.8
    assert "held out: FWIoU 0." in capsys.readouterr().out
    settings = json.loads((run / "settings.json").read_text())
    assert settings["crop"] == 64
    assert settings["data"] == [[str(data), 1.0]]
    saved = checkpoint.load(run / "last.pt")
    assert saved.step == 40
    assert saved.scores["held out/ice_iou"] == pytest.approx(float(rows[-1]["held out/ice_iou"]), abs=1e-4)


def broken_and_resumed(data, run, *more):
    """Stopped by SIGTERM wherever it happens to be, it saves, says so, and goes on to the end."""
    command = [sys.executable, "-m", "train_offline.commands.train", *arguments(data, run, *more)]
    process = subprocess.Popen(
        command, cwd=REPO, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    deadline = time.monotonic() + 120
    while not (run / "history.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGTERM, error
    assert "--resume" in error
    assert "Traceback" not in error
    assert 0 < checkpoint.load(run / "last.pt").step < 40
    assert main(["--run", str(run), "--resume"]) == 0
    assert [row["step"] for row in history(run)] == [str(4 * k) for k in range(1, 11)]
    return run


def test_killed_and_resumed_gives_the_weights_of_an_unbroken_run(data, tmp_path):
    """Of a hundred fresh processes one or two round their very first step otherwise, from the same weights
    and crops, unbroken ones too: hence a second try. A resumed run that lost anything would fail both.
    """
    more = ("--steps", 40, "--workers", 1)
    assert main(arguments(data, tmp_path / "whole", *more)) == 0
    tries = (broken_and_resumed(data, tmp_path / f"broken {number}", *more) for number in range(2))
    assert any(same_weights(tmp_path / "whole", run) for run in tries)


def test_seed_decides_the_weights(data, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert main(arguments(data, tmp_path / name, "--steps", 3, "--seed", seed)) == 0
    assert same_weights(tmp_path / "a", tmp_path / "b")
    assert not same_weights(tmp_path / "a", tmp_path / "c")


def test_other_run_can_start_from_the_averaged_weights(data, tmp_path):
    assert main(arguments(data, tmp_path / "a", "--steps", 2)) == 0
    first = checkpoint.load(tmp_path / "a" / "last.pt")
    more = ("--steps", 1, "--init", tmp_path / "a" / "last.pt", "--lr", 1e-9)
    assert main(arguments(data, tmp_path / "b", *more)) == 0
    second = checkpoint.load(tmp_path / "b" / "last.pt")
    name = "segmentation_head.0.weight"
    torch.testing.assert_close(second.model[name], first.ema[name], rtol=0, atol=1e-6)


def test_time_limit_ends_the_run(data, tmp_path):
    assert main(arguments(data, tmp_path / "run", "--time-limit", 0.02)) == 0
    saved = checkpoint.load(tmp_path / "run" / "last.pt")
    assert saved.step > 0
    assert saved.seconds >= 1.2


def test_loss_that_is_no_number_stops_in_one_line_and_keeps_the_checkpoint(data, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(arguments(data, run, "--steps", 4)) == 0
    before = (run / "last.pt").read_bytes()
    capsys.readouterr()
    assert main(["--run", str(run), "--resume", "--steps", "40", "--lr", "1e30"]) == 2
    error = capsys.readouterr().err
    assert "the loss is" in error.splitlines()[-1]
    assert "Traceback" not in error
    assert (run / "last.pt").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--steps", "2", "--patience", "3"], "--patience looks at the validation"),
        (["--steps", "2", "--sampling", "tiles", "--ice-crops", "0.5"], "--ice-crops needs"),
        (["--steps", "2", "--dice", "0", "--entropy", "0", "--boundary", "0"], "no loss is left"),
        (["--steps", "2", "--preset", "none"], "--preset"),
        (["--steps", "2", "--arch", "fpn", "--deep-supervision", "0.5"], "deep supervision is for"),
        (["--steps", "0"], "--steps"),
        (["--steps", "2", "--crop", "50"], "--crop must be a multiple of 16"),
        (["--steps", "2", "--batch", "1"], "--batch must be at least 2"),
        (["--steps", "2", "--lr", "nan"], "--lr"),
        (["--steps", "2", "--encoder", "no-such"], "no encoder"),
        (["--steps", "2", "--val", "no/such/folder"], "no such folder"),
        (["--steps", "2", "--resume"], "no such checkpoint"),
        (["--steps", "2", "--init", __file__], "not a readable checkpoint"),
        (["--steps", "2", "--unknown"], "--unknown"),
        (["--steps", "2", "--seed", "4294967296"], "--seed: must be at most 4294967295"),
    ],
)
def test_wrong_call_is_one_line(data, tmp_path, more, reason, capsys):
    assert main(arguments(data, tmp_path / "run", *more)) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    assert reason in error
    assert not (tmp_path / "run" / "last.pt").exists()


def test_a_finished_run_is_not_overwritten(data, tmp_path, capsys):
    assert main(arguments(data, tmp_path / "run", "--steps", 1)) == 0
    assert main(arguments(data, tmp_path / "run", "--steps", 1)) == 2
    assert "--resume" in capsys.readouterr().err


def test_broken_scene_is_named_before_anything_is_trained(data, tmp_path, capsys):
    (data / "image" / "2.tif").write_bytes(b"not a scene")
    assert main(arguments(data, tmp_path / "run", "--steps", 2)) == 2
    error = capsys.readouterr().err
    assert "2.tif: cannot be read" in error
    assert error.count("\n") == 1


def test_weight_follows_the_folder_and_a_colon(data, tmp_path):
    odd = data.parent / "a:1"
    os.rename(data, odd)
    for number in (1, 2):
        write_scene(tmp_path / "other", str(number), 30 + number)
    more = ("--steps", 1)
    assert main(["--data", f"{tmp_path / 'other'}:0.25", *arguments(odd, tmp_path / "run", *more)]) == 0
    stored = json.loads((tmp_path / "run" / "settings.json").read_text())["data"]
    assert stored == [[str(tmp_path / "other"), 0.25], [str(odd), 1.0]]


def test_learning_rate_rises_then_falls_whatever_ends_the_run():
    rates = [learning_rate(share, 2.0, 0.1) for share in np.linspace(0, 1.01, 500)]
    peak = int(np.argmax(rates))
    assert max(rates) == pytest.approx(2.0, rel=0.01)
    assert peak == pytest.approx(50, abs=2)
    assert rates == sorted(rates[: peak + 1]) + sorted(rates[peak + 1 :], reverse=True)
    assert rates[-1] == pytest.approx(0.02)
    assert learning_rate(0.0, 2.0, 0.0) == 2.0
    assert End(100, None).share_passed(25, 1e9) == 0.25
    assert End(None, 60).share_passed(10**9, 30) == 0.5
    assert End(100, 60).share_passed(10, 45) == 0.75


def test_average_is_the_running_mean_of_weights_and_of_batch_statistics(data, tmp_path):
    settings = TrainSettings(run=tmp_path, precision="fp32", device="cpu", ema=0.3, lr=0.01)
    trainer = Trainer(make_fabric("cpu", "fp32"), settings)
    rng = np.random.default_rng(0)
    expected = None
    for step in range(4):
        images = torch.from_numpy(rng.integers(0, 255, (2, 32, 32, 3), dtype=np.uint8))
        trainer.step(images, torch.from_numpy(rng.integers(0, 2, (2, 32, 32))), 0.01)
        now = {
            k: v.clone().double() for k, v in trainer.network.state_dict().items() if v.is_floating_point()
        }
        kept = min(0.3, (1 + step) / (10 + step))
        expected = now if step == 0 else {k: kept * expected[k] + (1 - kept) * now[k] for k in now}
    found = trainer.average.module.state_dict()
    assert any("running_var" in name for name in expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name].double(), value, rtol=1e-4, atol=1e-6)


def test_parameters_that_the_output_does_not_need_are_frozen():
    network = build(NetworkSettings())
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert trained < 0.4 * sum(p.numel() for p in network.parameters())
    network(torch.randn(2, 3, 32, 32)).square().mean().backward()
    assert all((p.grad is not None) == p.requires_grad for p in network.parameters())
    assert all(m.momentum == 0.1 for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d))


@pytest.mark.parametrize(("height", "width"), [(16, 32), (17, 31), (1, 1), (3, 40), (1, 50)])
def test_padding_reaches_the_stride_and_keeps_the_scene(height, width):
    image = np.random.default_rng(0).integers(1, 255, (height, width, 3), dtype=np.uint8)
    padded = pad_to_stride(image)
    assert padded.shape == (math.ceil(height / 16) * 16, math.ceil(width / 16) * 16, 3)
    np.testing.assert_array_equal(padded[:height, :width], image)
    assert padded.all(), "padding is made of the scene's own pixels"
