"""The recipe of a run and what it leaves in its folder: presets, checkpoints, curves, TensorBoard, facts."""

import csv
import json
import os
import signal
import subprocess
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from safetensors.torch import load_file, save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from infer.errors import UsageError
from infer.network.weights_file import ANY_SMP, CLASSES, FORMAT
from tests.helpers.blobs import write_scene
from tests.helpers.support import WEIGHTS
from train_offline.commands.train import main
from train_offline.data.folder import IGNORED, LabelledScene
from train_offline.data.sources import load_sources
from train_offline.models.build import NetworkSettings, build
from train_offline.models.unfolding import start_from_slim
from train_offline.runtime.code_version import commit_of
from train_offline.runtime.signals import Interrupt
from train_offline.training import checkpoint
from train_offline.training.config.arguments import _parser, parse
from train_offline.training.config.presets import PRESETS, with_preset
from train_offline.training.config.settings import TrainSettings, from_json
from train_offline.training.inputs import read_data
from train_offline.training.log.curves import draw_curves
from train_offline.training.log.reports import Reports
from train_offline.training.log.tensorboard import picture_of
from train_offline.training.loop import Training
from train_offline.training.step import Trainer
from train_offline.training.validation import Best, Validation

TINY = "--preset modern --crop 32 --batch 2 --epoch-crops 8 --workers 0 --precision fp32 --device cpu"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def data(tmp_path):
    for number in range(3):
        write_scene(tmp_path / "data", str(number), number)
        write_scene(tmp_path / "held out", str(number), 20 + number)
    return tmp_path


def train(data, run, *more):
    folders = ["--data", data / "data", "--val", data / "held out", "--run", data / run]
    return main([*map(str, folders), *TINY.split(), *map(str, more)])


def history(run):
    with (run / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_default_is_the_recipe_of_the_challenge():
    settings = TrainSettings(**with_preset(parse(["--run", "r"])))
    recipe = {
        "crop": 512, "batch": 8, "epochs": 150, "sampling": "tiles", "augment": "gaofen2021", "dice": 1.0,
        "entropy": 1.0, "boundary": 1.0, "deep_supervision": 0.5, "optimiser": "adam", "lr": 1e-3,
        "weight_decay": 0.0, "schedule": "poly", "warm_up": 0.0, "clip": 0.0, "ema": 0.0, "precision": "fp32",
    }  # fmt: skip
    assert {name: getattr(settings, name) for name in recipe} == recipe
    assert settings.preset == "gaofen2021"


@pytest.mark.parametrize("preset", PRESETS)
def test_every_part_of_a_preset_is_a_flag_that_wins(preset):
    assert set(PRESETS[preset]) <= {field.name for field in fields(TrainSettings)}
    other = {
        "crop": 96, "batch": 3, "epochs": 7, "sampling": "weighted", "augment": "none", "dice": 0.3,
        "entropy": 0.3, "boundary": 0.3, "deep_supervision": 0.3, "optimiser": "adamw", "lr": 0.3,
        "weight_decay": 0.3, "schedule": "cosine", "warm_up": 0.3, "clip": 0.3, "ema": 0.3,
        "precision": "bf16", "ice_crops": 0.3, "mix": 0.3, "recolour": 0.3, "lovasz": 0.3, "smoothing": 0.3,
        "rescale": 0.3,
    }  # fmt: skip
    assert set(PRESETS[preset]) <= set(other)
    for name, value in other.items():
        argv = ["--run", "r", "--preset", preset, f"--{name.replace('_', '-')}", str(value)]
        settings = TrainSettings(**with_preset(parse(argv)))
        assert getattr(settings, name) == value
        for kept in set(PRESETS[preset]) - {name}:
            assert getattr(settings, kept) == PRESETS[preset][kept]


def test_help_says_every_default_that_the_presets_leave_open():
    in_presets = set.intersection(*map(set, PRESETS.values()))
    for action in _parser()._actions:
        default = getattr(TrainSettings(run=Path("r")), action.dest, None)
        if action.dest not in in_presets and action.nargs != 0 and default not in (None, (), Path("r")):
            assert f"({default})" in action.help, action.dest


def test_a_presets_deep_supervision_is_for_architectures_that_can_have_it():
    def weight(*more):
        return with_preset(parse(["--run", "r", *more]))["deep_supervision"]

    assert weight() == weight("--arch", "Unet") == weight("--arch", "light-residual") == 0.5
    assert weight("--arch", "fpn") == 0.0
    assert weight("--arch", "fpn", "--deep-supervision", "0.5") == 0.5, "then the network refuses"


def test_a_fold_uses_its_own_lists(data, capsys):
    line = ["--data", data / "data", "--val", data / "data", "--run", data / "run", *TINY.split()]
    line = [*map(str, line), "--steps", "1", "--no-tensorboard", "--fold", "1"]
    assert main(line) == 2
    assert "--fold 1: no train-1.csv in" in capsys.readouterr().err
    rows = [f"image/{n}.tif,gt/{n}.png\n" for n in range(3)]
    lists = {"train": rows[:2], "val": rows[2:], "train-1": rows[1:], "val-1": rows[:1]}
    for name, listed in lists.items():
        (data / "data" / f"{name}.csv").write_text("image,label\n" + "".join(listed))
    other = data / "held out"
    (other / "val-0.csv").write_text("image,label\n" + rows[0])
    (other / "val.csv").write_text("image,label\n" + rows[0])
    assert main([*line, "--val", str(other)]) == 2, "it has folds, but not this one"
    assert "held out: holds val.csv but no val-1.csv; make it with ./run.sh split --folds N" in (
        capsys.readouterr().err
    )
    assert main(line) == 0
    settings = TrainSettings(run=data, data=((data / "data", 1.0),), val=(data / "data",), fold=1)
    read = read_data(settings, None)
    assert [[scene.name for scene in side[0].scenes] for side in (read.train, read.val)] == [
        ["1", "2"],
        ["0"],
    ]
    assert read.facts["val"] == checkpoint.load(data / "run" / "last.pt").facts["val"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--arch", "none"], "no architecture"),
        (["--encoder", "none"], "no encoder"),
        (["--init", "none.pt"], "no such checkpoint"),
        (["--init", "none.safetensors"], "none.safetensors"),
        (["--init", "none.pt", "--encoder-weights", "imagenet"], "leave one of them out"),
    ],
)
def test_wrong_names_are_said_before_any_scene_is_read(data, more, reason, capsys):
    assert train(data, "run", "--steps", 1, *more) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line
    assert not (data / "cache").exists()


def test_weights_of_any_smp_network_start_one_with_heads(tmp_path):
    settings = NetworkSettings(encoder_name="resnet18")
    plain, path = build(settings), tmp_path / "w.safetensors"
    facts = {"format": FORMAT, "architecture": ANY_SMP, "classes": json.dumps(CLASSES)}
    facts |= {"mean": json.dumps([127.5] * 3), "std": json.dumps([31.875] * 3)}
    save_file(plain.state_dict(), path, {**facts, "config": json.dumps(settings.arguments())})
    supervised = build(settings, deep_supervision=True)
    start_from_slim(supervised, path, torch.zeros(2, 3, 32, 32))
    taken = supervised.state_dict()
    assert all(torch.equal(tensor, taken[name]) for name, tensor in plain.state_dict().items())


def test_an_end_of_ones_own_replaces_the_presets():
    settings = TrainSettings(**with_preset(parse(["--run", "r", "--time-limit", "3"])))
    assert (settings.epochs, settings.steps, settings.time_limit) == (None, None, 3.0)


def test_the_default_recipe_trains_every_tile_with_a_falling_rate(data):
    run = data / "run"
    line = ["--data", data / "data", "--val", data / "held out", "--run", run, "--crop", 64, "--batch", 4]
    assert main([*map(str, line), "--epochs", "3", "--device", "cpu", "--no-tensorboard"]) == 0
    rows = history(run)
    assert [row["step"] for row in rows] == ["3", "6", "9"], "three scenes of four tiles, in batches of four"
    rates = [1e-3 * (1 - step / 9) ** 0.9 for step in (2, 5, 8)]
    assert [float(row["lr"]) for row in rows] == pytest.approx(rates)
    saved = checkpoint.load(run / "last.pt")
    assert any(name.startswith("auxiliary_heads.") for name in saved.model)
    assert all(torch.equal(saved.model[name], saved.ema[name]) for name in saved.model), "no average"
    assert {group["weight_decay"] for group in saved.optimiser["param_groups"]} == {0.0}


def test_poly_and_adam_differ_from_cosine_and_adamw(data):
    for name, more in (("a", []), ("b", ["--schedule", "poly"]), ("c", ["--optimiser", "adam"]), ("d", [])):
        assert train(data, name, "--no-tensorboard", "--steps", 3, *more) == 0
    states = [checkpoint.load(data / name / "last.pt").model["segmentation_head.0.weight"] for name in "abcd"]
    assert torch.equal(states[0], states[3])
    assert not any(torch.equal(states[0], state) for state in states[1:3])


def test_best_keeps_the_first_of_equals():
    best = Best().after(0.5, 10).after(0.5, 20).after(0.4, 30)
    assert best == Best(0.5, 10, stale=2)
    assert best.after(0.6, 40) == Best(0.6, 40, stale=0)
    assert Best().after(float("nan"), 10).after(0.1, 20) == Best(0.1, 20)


def test_patience_ends_the_run_and_best_is_kept(data):
    """The rule, replayed on the scores of the history."""
    more = ("--epochs", 60, "--patience", 2, "--lr", 0.01, "--no-tensorboard")
    assert train(data, "run", *more, "--val", data / "data") == 0
    rows = history(data / "run")
    assert 2 < len(rows) < 60
    best = Best()
    for number, row in enumerate(rows):
        mean = (float(row["held out/fwiou"]) + float(row["data/fwiou"])) / 2
        assert float(row["fwiou"]) == pytest.approx(mean, abs=2e-5)
        best = best.after(float(row["fwiou"]), int(row["step"]))
        assert (best.stale == 2) == (number == len(rows) - 1)
    assert checkpoint.load(data / "run" / "best.pt").step == best.step
    assert checkpoint.load(data / "run" / "last.pt").step == int(rows[-1]["step"])
    before = (data / "run" / "history.csv").read_bytes()
    assert main(["--run", str(data / "run"), "--resume"]) == 0
    assert (data / "run" / "history.csv").read_bytes() == before, "it had ended"


@pytest.mark.parametrize(
    "extra",
    [
        ["--arch", "deeplabv3plus", "--encoder", "resnet18"],
        ["--precision", "bf16"],
        ["--deep-supervision", "0.5", "--boundary", "1"],
    ],
)
def test_resuming_in_the_middle_of_an_epoch_gives_the_same_weights(data, extra, monkeypatch):
    """With dropout (deeplabv3plus), whose random numbers must go on too; in bf16 too, on one machine."""
    assert train(data, "whole", "--steps", 7, "--no-tensorboard", *extra) == 0
    with monkeypatch.context() as patch:
        stop_in(3, patch)
        assert train(data, "cut", "--steps", 7, "--no-tensorboard", *extra) == 128 + signal.SIGTERM
    assert checkpoint.load(data / "cut" / "last.pt").step == 3, "epochs have four steps"
    assert main(["--run", str(data / "cut"), "--resume"]) == 0
    whole, cut = (checkpoint.load(data / name / "last.pt") for name in ("whole", "cut"))
    assert whole.step == cut.step == 7
    assert all(torch.equal(whole.model[name], cut.model[name]) for name in whole.model)
    assert all(torch.equal(whole.ema[name], cut.ema[name]) for name in whole.ema)
    losses = [[float(row["loss"]) for row in history(data / name)] for name in ("whole", "cut")]
    assert losses[0] == pytest.approx(losses[1], abs=2e-5)


@pytest.mark.parametrize("where", [(Validation, "scores"), (Reports, "epoch")])
def test_killed_while_it_scores_an_epoch_nothing_is_lost_or_doubled(data, where, monkeypatch):
    """Before the scores are there, and after their row of history but before the checkpoint."""
    line = ("--steps", 8, "--no-tensorboard")
    assert train(data, "whole", *line) == 0
    with monkeypatch.context() as patch:
        original = getattr(*where)

        def end(self, *arguments):
            original(self, *arguments)
            raise KeyboardInterrupt

        patch.setattr(*where, end)
        assert train(data, "cut", *line) == 130
    saved = checkpoint.load(data / "cut" / "last.pt")
    assert (saved.step, saved.scores) == (4, {})
    assert main(["--run", str(data / "cut"), "--resume"]) == 0
    assert_same_end(data / "whole", data / "cut")


def test_a_signal_at_the_end_of_an_epoch_does_not_wait_for_the_scores(data, monkeypatch):
    line = ("--steps", 8, "--no-tensorboard")
    assert train(data, "whole", *line) == 0
    with monkeypatch.context() as patch:
        original = Training._row

        def row(self, *arguments):
            os.kill(os.getpid(), signal.SIGTERM)
            return original(self, *arguments)

        patch.setattr(Training, "_row", row)
        assert train(data, "cut", *line) == 128 + signal.SIGTERM
    assert not (data / "cut" / "history.csv").exists()
    assert main(["--run", str(data / "cut"), "--resume"]) == 0
    assert_same_end(data / "whole", data / "cut")


def stop_in(step, patch):
    """Let SIGTERM come while the trainer is in its `step`-th step from now."""
    steps, original = iter(range(1, step + 1)), Trainer.step

    def stopping(self, *batch):
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, *batch)

    patch.setattr(Trainer, "step", stopping)


@pytest.mark.parametrize("steps", [4, 7])
def test_a_run_that_was_stopped_in_its_last_step_is_scored_when_it_is_resumed(data, steps, monkeypatch):
    """Epochs have four steps: in the last step of an epoch, and in the middle of one."""
    line = ("--steps", steps, "--no-tensorboard")
    assert train(data, "whole", *line) == 0
    with monkeypatch.context() as patch:
        stop_in(steps, patch)
        assert train(data, "cut", *line) == 128 + signal.SIGTERM
    assert main(["--run", str(data / "cut"), "--resume"]) == 0
    assert_same_end(data / "whole", data / "cut")


def test_a_run_may_be_ended_where_it_was_stopped(data, monkeypatch):
    with monkeypatch.context() as patch:
        stop_in(1, patch)
        assert train(data, "run", "--steps", 8, "--no-tensorboard") == 128 + signal.SIGTERM
    assert main(["--run", str(data / "run"), "--resume", "--steps", "1"]) == 0
    (row,) = history(data / "run")
    assert (row["epoch"], row["step"]) == ("1", "1")
    assert float(row["fwiou"]) > 0
    assert checkpoint.load(data / "run" / "best.pt").step == 1


def assert_same_end(whole, cut):
    for name in ("last.pt", "best.pt"):
        a, b = checkpoint.load(whole / name), checkpoint.load(cut / name)
        assert (a.step, a.scores, a.best, a.due) == (b.step, b.scores, b.best, b.due)
        assert all(torch.equal(a.model[key], b.model[key]) for key in a.model)
        assert all(torch.equal(a.ema[key], b.ema[key]) for key in a.ema)
    clock = ("seconds", "crops_per_second")
    rows = [[{k: v for k, v in row.items() if k not in clock} for row in history(r)] for r in (whole, cut)]
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("change", "what_to_do"),
    [
        (["--batch", "4"], "has 2 crops in a step (--batch times devices), not 4"),
        (["--epoch-crops", "12"], "resume with --epoch-crops 8"),
    ],
)
def test_epochs_of_another_length_cannot_be_resumed_into(data, change, what_to_do, capsys):
    assert train(data, "run", "--steps", 1, "--no-tensorboard") == 0
    before = (data / "run" / "last.pt").read_bytes()
    assert main(["--run", str(data / "run"), "--resume", "--steps", "2", *change]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert what_to_do in line
    assert (data / "run" / "last.pt").read_bytes() == before


def test_weights_that_are_not_finite_are_never_saved(data, capsys, monkeypatch):
    """The losses before the step are finite; only the step's own gradient has overflowed."""
    original = Trainer.step

    def step(self, *batch):
        loss = original(self, *batch)
        next(self.network.parameters()).data[0] = float("inf")
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", step)
        assert train(data, "run", "--steps", 1, "--no-tensorboard") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "a weight is not finite by step 1; nothing was saved: begin again" in line
    assert not list((data / "run").glob("*.pt"))
    assert train(data, "run", "--steps", 1, "--no-tensorboard") == 0
    before = (data / "run" / "last.pt").read_bytes()
    monkeypatch.setattr(Trainer, "step", step)
    assert main(["--run", str(data / "run"), "--resume", "--steps", "2"]) == 2
    assert f"{data / 'run' / 'last.pt'} is kept: resume with a lower --lr" in capsys.readouterr().err
    assert (data / "run" / "last.pt").read_bytes() == before


def test_a_checkpoint_of_an_earlier_version_can_be_resumed(data):
    run = data / "run"
    assert train(data, "run", "--steps", 2, "--no-tensorboard") == 0
    content = torch.load(run / "last.pt", weights_only=True)
    for name in ("best", "epoch_loss", "cuda_rng", "facts", "crops_per_step", "steps_per_epoch", "due"):
        del content[name]
    for name in (
        "preset",
        "optimiser",
        "schedule",
        "sampling",
        "boundary",
        "cache",
        "tensorboard",
        "patience",
    ):
        del content["settings"][name]
    torch.save(content, run / "last.pt")
    assert main(["--run", str(run), "--resume", "--steps", "4"]) == 0
    saved = checkpoint.load(run / "last.pt")
    assert saved.step == 4
    assert saved.settings["optimiser"] == "adamw"
    assert saved.facts["data_sha256"]


def test_another_preset_cannot_be_resumed_into(data, capsys):
    assert train(data, "run", "--steps", 1, "--no-tensorboard") == 0
    assert train(data, "run", "--steps", 1, "--resume") == 0, "the same line with --resume goes on"
    assert main(["--run", str(data / "run"), "--resume", "--preset", "gaofen2021"]) == 2
    assert "leave it out" in capsys.readouterr().err


def test_run_folder_tells_what_the_weights_were_made_from(data):
    assert train(data, "run", "--steps", 1, "--no-tensorboard") == 0
    facts = json.loads((data / "run" / "settings.json").read_text())["facts"]
    assert facts == checkpoint.load(data / "run" / "last.pt").facts
    assert facts["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert [source["scenes"] for source in facts["data"]] == [3]
    write_scene(data / "data", "1", 99)
    assert train(data, "other", "--steps", 1, "--no-tensorboard") == 0
    other = json.loads((data / "other" / "settings.json").read_text())["facts"]
    assert other["data_sha256"] != facts["data_sha256"]
    assert other["val"] == facts["val"]
    assert not (data / "run" / "tensorboard").exists()


def test_changed_data_is_said_when_a_run_is_resumed(data, capsys):
    assert train(data, "run", "--steps", 1, "--no-tensorboard") == 0
    assert "the scenes are not those" not in capsys.readouterr().out
    write_scene(data / "data", "1", 99)
    assert main(["--run", str(data / "run"), "--resume", "--steps", "2"]) == 0
    assert "the scenes are not those" in capsys.readouterr().out


def test_commit_and_dirty_flag(tmp_path):
    assert commit_of(tmp_path) == {"commit": None, "dirty": None}
    git = ["git", "-C", tmp_path, "-c", "user.name=n", "-c", "user.email=e"]
    (tmp_path / "a").write_text("a")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "m"]):
        subprocess.run([*git, *arguments], check=True)
    clean = commit_of(tmp_path)
    assert len(clean["commit"]) == 40
    assert clean["dirty"] is False
    (tmp_path / "a").write_text("b")
    assert commit_of(tmp_path) == {**clean, "dirty": True}
    (tmp_path / "inside").mkdir()
    assert commit_of(tmp_path / "inside")["commit"] is None, "another repository's commit says nothing"


def test_two_folders_of_one_name_keep_their_scores_apart(data):
    (data / "a").mkdir()
    (data / "held out").rename(data / "a" / "val")
    write_scene(data / "b" / "val", "x", 60)
    folders = ["--data", data / "data", "--val", data / "a" / "val", "--val", data / "b" / "val"]
    line = [*map(str, folders), "--run", str(data / "run"), *TINY.split(), "--steps", "1", "--no-tensorboard"]
    assert main(line) == 0
    assert {"a/val/fwiou", "b/val/fwiou"} <= set(history(data / "run")[0])


def test_folders_are_named_by_as_much_of_their_paths_as_it_takes(data):
    for parent in ("a", "b"):
        write_scene(data / parent / "tiles" / "val", "x", 60)
    write_scene(data / "c" / "val", "x", 60)
    folders = [data / "a/tiles/val", data / "b/tiles/val", data / "c/val", data / "held out"]
    sources = load_sources([(folder, 1.0) for folder in folders], "val.csv", data / "cache")
    assert [source.name for source in sources] == ["a/tiles/val", "b/tiles/val", "c/val", "held out"]


def test_tensorboard_has_figures_and_pictures_of_each_validation(data):
    assert train(data, "run", "--epochs", 2) == 0
    events = EventAccumulator(str(data / "run" / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    rows = history(data / "run")
    for name in ("loss", "lr", "fwiou", "held out/ice_iou"):
        values = [(event.step, event.value) for event in events.Scalars(name)]
        assert values == [(int(row["step"]), pytest.approx(float(row[name]), rel=1e-5)) for row in rows]
    assert events.Tags()["images"] == ["held out/0", "held out/1", "held out/2"]
    pictures = events.Images("held out/1")
    assert [picture.step for picture in pictures] == [4, 8]
    shown = cv2.imdecode(np.frombuffer(pictures[-1].encoded_image_string, np.uint8), cv2.IMREAD_COLOR_RGB)
    scene = cv2.imread(str(data / "held out" / "gt" / "1.png"), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(shown[:, 84:164, 0], scene, "scene, four pixels of gap, truth")
    assert set(np.unique(shown[:, 168:])) <= {0, 255}


def test_picture_shows_scene_truth_and_prediction():
    label = np.array([[0, 1], [IGNORED, 0]], np.uint8)
    scene = LabelledScene("s", np.full((2, 2, 3), 7, np.uint8), label)
    picture = picture_of(scene, np.array([[True, False], [False, True]]))
    assert picture.shape == (2, 3 * 2 + 2 * 4, 3)
    np.testing.assert_array_equal(picture[:, :2, 0], 7)
    np.testing.assert_array_equal(picture[:, 6:8, 0], [[0, 255], [128, 0]])
    np.testing.assert_array_equal(picture[:, 12:, 0], [[255, 0], [0, 255]])
    large = LabelledScene("l", np.zeros((600, 1200, 3), np.uint8), np.zeros((600, 1200), np.uint8))
    assert picture_of(large, large.label > 0).shape == (256, 3 * 512 + 8, 3)


def test_curves_show_what_the_history_holds(tmp_path):
    rows = [
        {"step": str(k), "loss": str(1 / k), "lr": "0.1", "x/fwiou": "", "x/ice_iou": ""} for k in (1, 2, 3)
    ]
    draw_curves(rows, tmp_path / "curves.png")
    plain = cv2.imread(str(tmp_path / "curves.png"))
    assert plain.shape[0] > 300
    rows[1] |= {"x/fwiou": "0.5", "x/ice_iou": "nan"}
    rows[2] |= {"x/fwiou": "0.7", "x/ice_iou": "0.4"}
    draw_curves(rows, tmp_path / "curves.png")
    scored = cv2.imread(str(tmp_path / "curves.png"))
    assert scored.shape == plain.shape
    changed = (scored != plain).any(axis=(0, 2))
    third = plain.shape[1] // 3
    assert changed[third : 2 * third].any()


def test_a_run_folder_that_takes_no_file_is_one_line(data, capsys):
    (data / "file").write_text("no folder")
    assert train(data, "file", "--steps", 1) == 2
    assert train(data, "file/run", "--steps", 1) == 2
    (data / "disk").mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", data / "disk"], capture_output=True
    )
    if mounted.returncode == 0:
        try:
            assert train(data, "disk", "--steps", 1) == 2
            assert train(data, "disk/run", "--steps", 1) == 2
        finally:
            subprocess.run(["umount", data / "disk"], check=True)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == (4 if mounted.returncode == 0 else 2)
    assert all("cannot be" in line for line in lines)
    assert not (data / "cache").exists(), "no scene was read"


@pytest.fixture
def unprivileged(data):
    """From the call on, the process may not read what another user has locked."""

    ways = [data, *data.parents[:2]]  # pytest makes them for their owner only

    def drop():
        if os.geteuid() == 0:
            for folder in ways:
                folder.chmod(0o777)
            os.seteuid(65534)  # with it go root's rights to read everything

    yield drop
    if os.getuid() == 0:
        os.seteuid(0)
        for folder in ways:
            folder.chmod(0o700)


@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_folders_that_may_not_be_read_are_one_line(data, more, unprivileged, capsys):
    (data / "locked" / "run").mkdir(parents=True)
    (data / "locked").chmod(0)
    unprivileged()
    assert train(data, "locked/run", "--steps", 1, *more) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(data / "locked" / "run") in line


def test_data_that_may_not_be_read_is_one_line(data, unprivileged, capsys):
    run = data / "run"
    run.mkdir()
    run.chmod(0o777)
    (data / "data").chmod(0)
    unprivileged()
    assert train(data, "run", "--steps", 1) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(data / "data") in line


def test_an_ignored_ctrl_c_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    hang_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
    try:
        with Interrupt() as interrupt:
            os.kill(os.getpid(), signal.SIGINT)
            assert interrupt.signal is None
            os.kill(os.getpid(), signal.SIGHUP)
            assert interrupt.signal == signal.SIGHUP
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGHUP, hang_up)


def test_a_disk_that_is_full_ends_the_run_in_one_line(data, capsys):
    (data / "disk").mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", data / "disk"], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("cannot mount a file system here")
    try:
        assert train(data, "disk", "--steps", 4, "--no-tensorboard") == 2
        assert not list((data / "disk").glob("*.pt*"))
    finally:
        subprocess.run(["umount", data / "disk"], check=True)
    (line,) = capsys.readouterr().err.splitlines()
    assert ".pt: cannot be written" in line


def empty_masks(data):
    for path in (data / "data" / "gt").iterdir():
        cv2.imwrite(str(path), np.zeros((96, 80), np.uint8))
    return "no pixel of ice"


def one_scene(data):
    for number in (1, 2):
        (data / "data" / "image" / f"{number}.tif").unlink()
        (data / "data" / "gt" / f"{number}.png").unlink()
    return "one scene only"


def other_size(data):
    cv2.imwrite(str(data / "data" / "gt" / "1.png"), np.zeros((9, 9), np.uint8))
    return "1.png"


def empty_folder(data):
    for path in (data / "data" / "image").iterdir():
        path.unlink()
    return str(data / "data" / "image")


@pytest.mark.parametrize("spoil", [empty_masks, one_scene, other_size, empty_folder])
def test_data_that_cannot_be_learned_from_is_one_line_before_training(data, spoil, capsys):
    reason = spoil(data)
    assert train(data, "run", "--steps", 1) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line
    assert not list((data / "run").glob("*"))


def test_settings_survive_the_checkpoint(data):
    settings = TrainSettings(run=Path("r"), data=((Path("d"), 2.0),), val=(Path("v"),), init=Path("i"),
                             cache=Path("c"))  # fmt: skip
    again = TrainSettings(**from_json(json.loads(json.dumps(settings.to_json()))))
    where = Path.cwd()
    assert again == replace(settings, run=where / "r", data=((where / "d", 2.0),), val=(where / "v",),
                            init=where / "i", cache=where / "c")  # fmt: skip


def test_weight_decay_may_be_given_anew(data):
    assert train(data, "run", "--steps", 1, "--no-tensorboard") == 0
    assert main(["--run", str(data / "run"), "--resume", "--steps", "2", "--weight-decay", "0.3"]) == 0
    groups = checkpoint.load(data / "run" / "last.pt").optimiser["param_groups"]
    assert [group["weight_decay"] for group in groups] == [0.3, 0.0]


@pytest.mark.parametrize(
    "what",
    [
        ("--optimiser", "adam"),
        ("--init", "weights/seaice.safetensors"),
        ("--encoder-weights", "imagenet-lite2"),
    ],
)
def test_what_a_run_was_begun_with_cannot_be_given_anew(data, what, capsys):
    assert train(data, "run", "--steps", 1, "--no-tensorboard") == 0
    assert main(["--run", str(data / "run"), "--resume", "--steps", "2", *what]) == 2
    assert f"was not begun with {' '.join(what)}; leave it out" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["epoch;step;loss\n1;4;0.5\n", "\xff\xfe"])
def test_a_history_that_was_spoiled_is_one_line(data, content, capsys):
    assert train(data, "run", "--steps", 1, "--no-tensorboard") == 0
    (data / "run" / "history.csv").write_bytes(content.encode("latin-1"))
    assert main(["--run", str(data / "run"), "--resume", "--steps", "2"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "history.csv" in line


def test_a_checkpoint_that_is_none_is_one_line(data, capsys):
    (data / "text.pt").write_text("(nothing of the kind")
    assert train(data, "run", "--steps", 1, "--init", data / "text.pt") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "text.pt: not a readable checkpoint" in line


def test_more_memory_than_there_is_is_one_line(data, monkeypatch, capsys):
    def step(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")

    monkeypatch.setattr(Trainer, "step", step)
    assert train(data, "run", "--steps", 1, "--no-tensorboard") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "lower --batch or --crop" in line


def test_a_tile_of_a_scene_to_score_is_warned_of(data, capsys):
    """As of tiles that were split apart from the scenes that they were cut from."""
    assert train(data, "apart", "--steps", 1, "--no-tensorboard") == 0
    assert "no fair score" not in capsys.readouterr().out, "the same names, other pixels"
    image = tifffile.imread(data / "held out" / "image" / "0.tif")
    mask = cv2.imread(str(data / "held out" / "gt" / "0.png"), cv2.IMREAD_GRAYSCALE)
    tifffile.imwrite(data / "data" / "image" / "0_3.tif", image[5:40, 7:50], photometric="rgb")
    cv2.imwrite(str(data / "data" / "gt" / "0_3.png"), mask[5:40, 7:50])
    assert train(data, "leaking", "--steps", 1, "--no-tensorboard") == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "no fair score" in line]
    assert f"0 has pixels of {data / 'data' / 'image' / '0_3'}" in line


def test_a_folder_without_folds_goes_with_one_that_has_them(data):
    """Drawn scenes to train on, and the embedded split to score, beside a folder that was split in folds."""
    row = "image,label\nimage/{0}.tif,gt/{0}.png\n"
    (data / "data" / "train-0.csv").write_text(row.format(1) + row.format(2).partition("\n")[2])
    (data / "data" / "val-0.csv").write_text(row.format(0))
    (data / "held out" / "val.csv").write_text(row.format(2))
    settings = TrainSettings(run=data, data=((data / "data", 1.0),), val=(data / "held out",), fold=0)
    read = read_data(settings, None)
    assert [scene.name for source in read.train for scene in source.scenes] == ["1", "2"]
    assert [scene.name for source in read.val for scene in source.scenes] == ["2"]


def test_a_network_of_another_shape_is_refused(data, capsys):
    assert train(data, "run", "--steps", 1, "--no-tensorboard", "--deep-supervision", 0) == 0
    assert main(["--run", str(data / "run"), "--resume", "--steps", "2", "--deep-supervision", "1"]) == 2
    assert "another network" in capsys.readouterr().err
    more = ("--steps", 1, "--init", data / "run" / "last.pt", "--deep-supervision", 0.5)
    assert train(data, "with heads", "--no-tensorboard", *more) == 0, "heads are new, the rest is taken"


def test_a_run_can_start_from_the_shipped_weights(data):
    assert train(data, "run", "--steps", 1, "--no-tensorboard", "--init", WEIGHTS, "--lr", 1e-9) == 0
    (shipped,) = (t for t in load_file(WEIGHTS).values() if t.ndim == 4 and len(t) == 2)  # the head's
    taken = checkpoint.load(data / "run" / "last.pt").model["segmentation_head.0.weight"]
    torch.testing.assert_close(taken, shipped.float(), rtol=0, atol=1e-6)


def test_save_refuses_in_one_line(tmp_path):
    state = checkpoint.Checkpoint({}, {}, {}, 0, {}, torch.zeros(1), 0, 0.0, {})
    with pytest.raises(UsageError, match="cannot be written"):
        checkpoint.save(state, tmp_path / "no folder" / "last.pt")
