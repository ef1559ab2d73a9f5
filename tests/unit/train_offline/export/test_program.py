"""The exported file gives the checkpoint's masks, and never takes its place unverified."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from infer.network.torch_model import load_model
from tests.helpers.offline.checkpoints import RANDOM, write_checkpoint
from train_offline.commands.export import main
from train_offline.data.folder import pairs_in, read_labelled
from train_offline.export.weights_file import exported_state
from train_offline.models.build import NetworkSettings, build
from train_offline.scoring.evaluate import predict
from train_offline.training import checkpoint


def mask_of(network: nn.Module, trained: Path, number: int = 0) -> np.ndarray:
    scene = read_labelled(pairs_in(trained / "data")[number])
    return predict(network, scene.image, torch.device("cpu"), False)


def test_exported_file_gives_the_masks_of_the_checkpoint(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "made here" / "w.safetensors"
    assert (
        main([str(trained / "last.pt"), "--output", str(output), "--verify", str(trained / "data"), *RANDOM])
        == 0
    )
    told = capsys.readouterr().out
    assert "same class as the checkpoint on" in told
    network = build(NetworkSettings()).eval()
    network.load_state_dict(checkpoint.load(trained / "last.pt").ema)
    for number in (0, 1):
        expected = mask_of(network, trained, number)
        assert 0.02 < expected.mean() < 0.98, "the comparison needs both classes"
        assert (mask_of(load_model(output).network, trained, number) == expected).mean() >= 0.999
    assert [p.name for p in output.parent.iterdir()] == ["w.safetensors"]


def test_a_run_folder_means_its_best_checkpoint(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_checkpoint(tmp_path / "last.pt")
    write_checkpoint(tmp_path / "best.pt")
    assert (
        main([str(tmp_path), "--output", str(tmp_path / "w"), "--verify", str(trained / "data"), *RANDOM])
        == 0
    )
    assert "best.pt" in capsys.readouterr().out


def test_validation_folders_that_are_gone_are_named(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_checkpoint(tmp_path / "last.pt", val=(tmp_path / "on another machine",))
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "w.safetensors"
    assert main(["last.pt", "--output", str(output)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "on another machine, which the training was validated on, is not here; give --verify DIR" in error
    assert main(["last.pt", "--output", str(output), "--verify", str(trained / "data"), *RANDOM]) == 0


def test_disagreement_leaves_the_old_file_in_place(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(network, settings):
        state = exported_state(network, settings)
        state["head.bias"] = torch.tensor([9.0, -9.0]).half()
        return state

    monkeypatch.setattr("train_offline.export.program.exported_state", damaged)
    output = tmp_path / "w.safetensors"
    output.write_bytes(b"the weights of last week")
    arguments = [str(trained), "--output", str(output), "--verify", str(trained / "data"), *RANDOM]
    assert main(arguments) == 2
    assert "nothing was written" in capsys.readouterr().err
    assert output.read_bytes() == b"the weights of last week"
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(
    trained: Path, tmp_path: Path, value, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = write_checkpoint(tmp_path / "last.pt")
    saved.ema["decoder.blocks.0.conv1.0.weight"].view(-1)[5] = value
    checkpoint.save(saved, tmp_path / "last.pt")
    output = tmp_path / "w.safetensors"
    assert main([str(tmp_path), "--output", str(output), "--verify", str(trained / "data")]) == 2
    error = capsys.readouterr().err
    assert "decoder.blocks.0.conv1.0.weight" in error
    assert error.count("\n") == 1
    assert not output.exists()


def test_the_training_s_own_validation_folders_are_the_default(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_checkpoint(tmp_path / "last.pt", val=(trained / "data",))
    assert main([str(tmp_path), "--output", str(tmp_path / "w.safetensors"), *RANDOM]) == 0
    assert "data: FWIoU" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "CHECKPOINT"),
        (["absent.pt"], "no such checkpoint"),
        ([__file__], "not a readable checkpoint"),
        (["{trained}", "--verify", "{trained}/data", "--agreement", "2"], "at most 1"),
        (["{trained}", "--verify", "{trained}/nothing"], "no such folder"),
        (
            ["{trained}", "--verify", "{trained}/data", "--output", "/proc/no/w.safetensors"],
            "cannot be written",
        ),
    ],
)
def test_wrong_call_is_one_line(
    trained: Path, tmp_path: Path, arguments, reason, capsys: pytest.CaptureFixture[str]
) -> None:
    output = [] if "--output" in arguments else ["--output", str(tmp_path / "w.safetensors")]
    assert main([a.format(trained=trained) for a in arguments] + output) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    assert reason in error
