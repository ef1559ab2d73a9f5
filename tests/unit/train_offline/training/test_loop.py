"""It learns from batches that no worker changes, ends when it should, never saves what is not finite."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.helpers.offline.blobs import write_scene
from tests.helpers.offline.training import arguments, history, resume, same_weights, settings_of, train
from train_offline.commands.train import main
from train_offline.data.sources import load_sources, side_of
from train_offline.runtime.devices import make_fabric
from train_offline.training import checkpoint
from train_offline.training.loader import Workers, batches, plan
from train_offline.training.step import Trainer


def test_it_learns_bright_blobs_and_logs_what_it_did(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scene(tmp_path / "held out", "x", 99)
    run = tmp_path / "run"
    more = ("--val", tmp_path / "held out", "--steps", 40, "--epoch-crops", 80, "--ema", 0.8, "--lr", 0.003)
    assert main([*arguments(labelled, run), *map(str, more), "--batch", "4", "--crop", "64"]) == 0
    rows = history(run)
    assert [row["step"] for row in rows] == ["20", "40"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"]) < 2
    assert float(rows[-1]["held out/ice_iou"]) > 0.8
    assert "held out: FWIoU 0." in capsys.readouterr().out
    settings = json.loads((run / "settings.json").read_text())
    assert settings["crop"] == 64
    assert settings["data"] == [[str(labelled), 1.0]]
    saved = checkpoint.load(run / "last.pt")
    assert saved.step == 40
    assert saved.scores["held out/ice_iou"] == pytest.approx(float(rows[-1]["held out/ice_iou"]), abs=1e-4)


def test_seed_decides_the_weights(labelled: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert main(arguments(labelled, tmp_path / name, "--steps", 3, "--seed", seed)) == 0
    assert same_weights(tmp_path / "a", tmp_path / "b")
    assert not same_weights(tmp_path / "a", tmp_path / "c")


def test_time_limit_ends_the_run(labelled: Path, tmp_path: Path) -> None:
    assert main(arguments(labelled, tmp_path / "run", "--time-limit", 0.02)) == 0
    saved = checkpoint.load(tmp_path / "run" / "last.pt")
    assert saved.step > 0
    assert saved.seconds >= 1.2


def test_loss_that_is_no_number_stops_in_one_line_and_keeps_the_checkpoint(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(arguments(labelled, run, "--steps", 4)) == 0
    before = (run / "last.pt").read_bytes()
    capsys.readouterr()
    assert main(["--run", str(run), "--resume", "--steps", "40", "--lr", "1e30"]) == 2
    error = capsys.readouterr().err
    assert "the loss is" in error.splitlines()[-1]
    assert "Traceback" not in error
    assert (run / "last.pt").read_bytes() == before


def test_weights_that_are_not_finite_are_never_saved(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The losses before the step are finite; only the step's own gradient has overflowed."""
    original = Trainer.step

    def step(self, *batch):
        loss = original(self, *batch)
        next(self.network.parameters()).data[0] = float("inf")
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", step)
        assert train(folders, "run", "--steps", 1, "--no-tensorboard") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "a weight is not finite by step 1; nothing was saved: begin again" in line
    assert not list((folders / "run").glob("*.pt"))
    assert train(folders, "run", "--steps", 1, "--no-tensorboard") == 0
    before = (folders / "run" / "last.pt").read_bytes()
    monkeypatch.setattr(Trainer, "step", step)
    assert resume(folders / "run", "--steps", "2") == 2
    assert f"{folders / 'run' / 'last.pt'} is kept: resume with a lower --lr" in capsys.readouterr().err
    assert (folders / "run" / "last.pt").read_bytes() == before


def test_the_default_recipe_trains_every_tile_with_a_falling_rate(folders: Path) -> None:
    run = folders / "run"
    line = [
        "--data",
        folders / "data",
        "--val",
        folders / "held out",
        "--run",
        run,
        "--crop",
        64,
        "--batch",
        4,
    ]
    assert main([*map(str, line), "--epochs", "3", "--device", "cpu", "--no-tensorboard"]) == 0
    rows = history(run)
    assert [row["step"] for row in rows] == ["3", "6", "9"], "three scenes of four tiles, in batches of four"
    rates = [1e-3 * (1 - step / 9) ** 0.9 for step in (2, 5, 8)]
    assert [float(row["lr"]) for row in rows] == pytest.approx(rates)
    saved = checkpoint.load(run / "last.pt")
    assert any(name.startswith("auxiliary_heads.") for name in saved.model)
    assert all(torch.equal(saved.model[name], saved.ema[name]) for name in saved.model), "no average"
    assert {group["weight_decay"] for group in saved.optimiser["param_groups"]} == {0.0}


def test_poly_and_adam_differ_from_cosine_and_adamw(folders: Path) -> None:
    for name, more in (("a", []), ("b", ["--schedule", "poly"]), ("c", ["--optimiser", "adam"]), ("d", [])):
        assert train(folders, name, "--no-tensorboard", "--steps", 3, *more) == 0
    states = [
        checkpoint.load(folders / name / "last.pt").model["segmentation_head.0.weight"] for name in "abcd"
    ]
    assert torch.equal(states[0], states[3])
    assert not any(torch.equal(states[0], state) for state in states[1:3])


def drawn(folders: Path, workers: int, steps_done: int = 0) -> list[tuple[torch.Tensor, torch.Tensor]]:
    few = ["--preset", "modern", "--crop", "32", "--batch", "4", "--epoch-crops", "24", "--epochs", "1"]
    settings = settings_of("--data", str(folders / "data"), *few, "--workers", str(workers))
    side = side_of(folders / "data", "train.csv")
    sources = [source for source, _ in load_sources([side], [1.0], "train.csv", folders / "kept")]
    fabric = make_fabric(device="cpu", precision="fp32", devices=1, seed=0)
    of_epoch = settings, sources, plan(settings, sources, 1), 3, steps_done
    return list(batches(fabric, *of_epoch, Workers()))


def test_batches_are_tensors_of_bytes(folders: Path) -> None:
    whole = drawn(folders, 0)
    assert len(whole) == 6
    assert {(images.shape, images.dtype) for images, _ in whole} == {((4, 32, 32, 3), torch.uint8)}
    assert {(labels.shape, labels.dtype) for _, labels in whole} == {((4, 32, 32), torch.uint8)}


def test_workers_and_resuming_change_nothing(folders: Path) -> None:
    whole = drawn(folders, 0)
    for workers, steps_done in ((1, 0), (3, 0), (0, 4), (3, 4)):
        found = drawn(folders, workers, steps_done)
        assert len(found) == len(whole) - steps_done
        for one, other in zip(found, whole[steps_done:], strict=True):
            assert torch.equal(one[0], other[0])
            assert torch.equal(one[1], other[1])
