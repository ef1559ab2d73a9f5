"""The exported file is small, says what it is, and is the same from the same checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load, save

from infer.network.light_lite3 import LightLite3
from infer.network.torch_model import load_model
from tests.helpers.offline.checkpoints import RANDOM, write_checkpoint
from train_offline.commands.export import main
from train_offline.export.weights_file import to_bytes
from train_offline.models.build import NetworkSettings, build


def test_exported_file_is_small_and_says_what_it_is(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "w.safetensors"
    assert main([str(trained), "--output", str(output), "--verify", str(trained / "data"), *RANDOM]) == 0
    assert output.stat().st_size <= 6e6
    assert output.stat().st_mode & 0o777 == 0o644, "the image runs as any user"
    with safe_open(output, framework="pt") as file:
        facts = file.metadata()
        full = {name.split(".")[0] for name in file.keys() if file.get_tensor(name).dtype != torch.float16}  # noqa: SIM118
    assert full == {"stem", "first", "stages"}, "only the first layers are not fp16"
    assert facts["format"] == "seaice-slim/1"
    assert facts["architecture"] == "unet-lite3"
    assert json.loads(facts["mean"]) == [127.5] * 3
    assert json.loads(facts["std"]) == [31.875] * 3
    assert json.loads(facts["classes"]) == ["background", "ice"]
    assert json.loads(facts["scores"]) == {"data/fwiou": 0.5}
    assert json.loads(facts["data_sha256"]) == "ab" * 32
    assert json.loads(facts["commit"]) == "c0ffee"
    assert json.loads(facts["data"])["train"] == {"data": 2.0}
    assert str(trained) not in json.dumps(facts), "no path of the training machine"
    assert load_model(output).sha256 in capsys.readouterr().out


def test_the_light_network_s_heads_stay_behind(trained: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "last.pt", arch="light-residual", deep_supervision=0.5)
    output = tmp_path / "w.safetensors"
    arguments = [
        str(tmp_path),
        "--output",
        str(output),
        "--verify",
        str(trained / "data"),
        "--agreement",
        "0.99",
    ]
    assert main(arguments) == 0
    with safe_open(output, framework="pt") as file:
        assert file.metadata()["architecture"] == "light-lite3"
        assert not any("auxiliary" in name for name in file.keys())  # noqa: SIM118
    assert isinstance(load_model(output).network, LightLite3)


@pytest.mark.parametrize("arch", ["fpn", "unet"])
def test_any_other_architecture_is_saved_as_smp_knows_it(trained: Path, tmp_path: Path, arch) -> None:
    saved = write_checkpoint(tmp_path / "last.pt", arch=arch, encoder="resnet18")
    output = tmp_path / "w.safetensors"
    arguments = [str(tmp_path / "last.pt"), "--output", str(output), "--verify", str(trained / "data")]
    assert main(arguments) == 0
    with safe_open(output, framework="pt") as file:
        assert file.metadata()["architecture"] == "smp"
        assert json.loads(file.metadata()["config"])["encoder_name"] == "resnet18"
    network = build(NetworkSettings(arch=arch, encoder_name="resnet18")).eval()
    network.load_state_dict(saved.ema)
    image = torch.randn(1, 3, 96, 64)
    torch.testing.assert_close(load_model(output).network(image), network(image), rtol=0, atol=1e-3)


def test_the_same_checkpoint_gives_the_same_bytes(trained: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for output in outputs:
        assert main([str(trained), "--output", str(output), "--verify", str(trained / "data"), *RANDOM]) == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_a_header_in_order_is_the_library_s_own_but_for_the_order() -> None:
    state = {"a": torch.randn(3, 5), "b.bias": torch.arange(7).half()}
    metadata = {
        name: f'värde "{name}" \n'
        for name in ["format", "architecture", "mean", "std", "classes", "scores", "data"]
    }
    assert len({save(state, metadata) for _ in range(20)}) > 1, "else to_bytes has nothing to do"
    (data,) = {to_bytes(state, metadata) for _ in range(20)}
    assert sorted(data) == sorted(save(state, metadata)), "the same bytes in another order"
    for name, tensor in load(data).items():
        assert torch.equal(tensor, state[name])
