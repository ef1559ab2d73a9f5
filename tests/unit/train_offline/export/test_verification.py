"""A sound network is exported however little it was trained; one with a spoiled layer never is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import cv2
import pytest
from torch import Tensor

from infer.network.torch_model import load_model
from tests.helpers.offline.blobs import write_scene
from tests.helpers.offline.checkpoints import write_checkpoint
from tests.helpers.offline.training import train
from train_offline.commands.export import main
from train_offline.export.weights_file import exported_state

SPOILED = {
    "zero": lambda weight: weight * 0,
    "scaled": lambda weight: weight * 1.5,
    "other way round": lambda weight: weight.flip(0).contiguous(),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scenes of 64 pixels to train on and one to score: few pixels, and 0.01 % of them is none."""
    folder = tmp_path_factory.mktemp("short")
    for number in range(3):
        write_scene(folder / "data", str(number), number, 64, 64)
    write_scene(folder / "held out", "3", 50, 64, 64)
    return folder


@pytest.mark.parametrize(
    ("steps", "seed", "arch"),
    [(1, 0, "unet"), (2, 1, "unet"), (5, 2, "unet"), (9, 3, "unet"), (2, 4, "light-residual"), (1, 5, "fpn")],
)
def test_a_short_training_is_exported(
    folders: Path, tmp_path: Path, steps: int, seed: int, arch: str
) -> None:
    run = tmp_path / "run"
    more = ["--steps", steps, "--seed", seed, "--arch", arch, "--no-tensorboard"]
    assert train(folders, str(run), *more, *(["--encoder", "resnet18"] if arch == "fpn" else [])) == 0
    assert main([str(run), "--output", str(tmp_path / "w.safetensors")]) == 0
    load_model(tmp_path / "w.safetensors")


@pytest.mark.parametrize("how", SPOILED)
@pytest.mark.parametrize(
    "layer", ["stem", "stages.1.2.project", "stages.3.1.depthwise", "decoder.3.conv2", "head"]
)
def test_a_spoiled_layer_is_refused_and_the_flags_named_work(
    trained: Path,
    tmp_path: Path,
    how: str,
    layer: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def spoiled(network, settings) -> dict[str, Tensor]:
        state = exported_state(network, settings)
        return state | {f"{layer}.weight": SPOILED[how](state[f"{layer}.weight"])}

    monkeypatch.setattr("train_offline.export.program.exported_state", spoiled)
    output = tmp_path / "w.safetensors"
    output.write_bytes(b"the weights of last week")
    line = [str(trained), "--output", str(output), "--verify", str(trained / "data")]
    assert main(line) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert "nothing was written" in error
    assert "--verify" in error
    assert output.read_bytes() == b"the weights of last week"
    assert main([*line, *re.findall(r"(--agreement) ([\d.e-]+)", error)[0]]) == 0
    load_model(output)


def test_scenes_need_no_masks_to_be_compared_on(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, half = tmp_path / "plain", tmp_path / "half"
    shutil.copytree(trained / "data" / "image", plain)
    shutil.copytree(trained / "data", half)
    (half / "gt" / "0.png").unlink()
    line = [str(trained), "--output", str(tmp_path / "w"), "--verify", str(plain), "--verify", str(half)]
    assert main(line) == 0
    told = capsys.readouterr().out
    assert "plain: no masks, no score; same class as the checkpoint on" in told
    assert "half: FWIoU" in told


def test_masks_that_make_the_score_doubtful_are_named(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained / "data", tmp_path / "data")
    mask = cv2.imread(str(tmp_path / "data" / "gt" / "0.png"), cv2.IMREAD_GRAYSCALE)
    mask[3, 3:5] = 90
    cv2.imwrite(str(tmp_path / "data" / "gt" / "0.png"), mask)
    line = [str(trained), "--output", str(tmp_path / "w"), "--verify", str(tmp_path / "data")]
    assert main(line) == 0
    doubt = "the score is doubtful: gt/0.png holds 90 beside 0 and 255, on 2 pixels, which count as ice"
    assert doubt in capsys.readouterr().out.splitlines()


def test_a_training_without_scenes_to_score_is_compared_on_its_own(
    folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_checkpoint(tmp_path / "last.pt", data=((folders / "data", 1.0),))
    assert main([str(tmp_path), "--output", str(tmp_path / "w")]) == 0
    assert "data: trained on, no score; same class as" in capsys.readouterr().out
    write_checkpoint(tmp_path / "last.pt", data=((tmp_path / "gone", 1.0),))
    assert main([str(tmp_path), "--output", str(tmp_path / "w")]) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert "give --verify DIR" in error
