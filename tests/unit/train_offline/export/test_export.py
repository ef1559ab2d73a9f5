"""The exported file gives the checkpoint's masks, says what it is, and never takes its place unverified."""

import hashlib
import json

import cv2
import numpy as np
import pytest
import tifffile
import torch
from safetensors import safe_open
from safetensors.torch import load, save

from infer.network.light_lite3 import LightLite3
from infer.network.torch_model import load_model
from train_offline.commands.export import exported_state, main
from train_offline.data.folder import pairs_in, read_labelled
from train_offline.export.weights_file import to_bytes
from train_offline.models.build import NetworkSettings, build
from train_offline.scoring.evaluate import predict
from train_offline.training import checkpoint
from train_offline.training.checkpoint import Checkpoint
from train_offline.training.config.settings import TrainSettings


def unlike_new(network, seed=0):
    """Give BatchNorm the statistics and scales of a trained network: folding then has something to fold."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor, low, high in (
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.4, 2.0),
                (module.weight.data, 0.6, 1.4),
                (module.bias.data, -0.3, 0.3),
            ):
                tensor.uniform_(low, high, generator=generator)
    return network


def write_checkpoint(path, val=(), **network):
    torch.manual_seed(3)
    settings = TrainSettings(
        run=path.parent, data=((path.parent / "data", 2.0),), val=val, steps=1, **network
    )
    network = build(settings.network, deep_supervision=settings.deep_supervision > 0)
    state = unlike_new(network).state_dict()
    scores = {"data/fwiou": 0.5, "data/boundary_f1": float("nan")}
    facts = {"data_sha256": "ab" * 32, "commit": "c0ffee", "machine": "a secret"}
    saved = Checkpoint(
        settings.to_json(), state, state, 7, {}, torch.get_rng_state(), 7, 1.5, scores, facts=facts
    )
    checkpoint.save(saved, path)
    return saved


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A checkpoint of random weights and two scenes that its random masks divide."""
    folder = tmp_path_factory.mktemp("export")
    for part in ("image", "gt"):
        (folder / "data" / part).mkdir(parents=True)
    for seed, (height, width) in enumerate(((90, 111), (64, 80))):
        rng = np.random.default_rng(seed)
        pixels = cv2.resize(rng.integers(1, 255, (9, 9, 3), dtype=np.uint8), (width, height))
        tifffile.imwrite(folder / "data" / "image" / f"{seed}.tif", pixels, photometric="rgb")
        cv2.imwrite(str(folder / "data" / "gt" / f"{seed}.png"), (pixels[..., 0] > 99).astype(np.uint8) * 255)
    write_checkpoint(folder / "last.pt")
    return folder


# Random weights put far more pixels next to the class border than trained ones do: fp16 moves a few of them.
RANDOM = ("--agreement", "0.999")


def mask_of(network, work, number=0):
    scene = read_labelled(pairs_in(work / "data")[number])
    return predict(network, scene.image, torch.device("cpu"), False)


def test_exported_file_gives_the_masks_of_the_checkpoint(work, tmp_path, capsys):
    output = tmp_path / "made here" / "w.safetensors"
    assert (
        main([str(work / "last.pt"), "--output", str(output), "--verify", str(work / "data"), *RANDOM]) == 0
    )
    told = capsys.readouterr().out
    assert "same class as the checkpoint on" in told
    network = build(NetworkSettings()).eval()
    network.load_state_dict(checkpoint.load(work / "last.pt").ema)
    for number in (0, 1):
        expected = mask_of(network, work, number)
        assert 0.02 < expected.mean() < 0.98, "the comparison needs both classes"
        assert (mask_of(load_model(output).network, work, number) == expected).mean() >= 0.999
    assert [p.name for p in output.parent.iterdir()] == ["w.safetensors"]


def test_exported_file_is_small_and_says_what_it_is(work, tmp_path, capsys):
    output = tmp_path / "w.safetensors"
    assert main([str(work), "--output", str(output), "--verify", str(work / "data"), *RANDOM]) == 0
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
    assert str(work) not in json.dumps(facts), "no path of the training machine"
    assert load_model(output).sha256 in capsys.readouterr().out


def test_the_light_network_s_heads_stay_behind(work, tmp_path):
    write_checkpoint(tmp_path / "last.pt", arch="light-residual", deep_supervision=0.5)
    output = tmp_path / "w.safetensors"
    arguments = [
        str(tmp_path),
        "--output",
        str(output),
        "--verify",
        str(work / "data"),
        "--agreement",
        "0.99",
    ]
    assert main(arguments) == 0
    with safe_open(output, framework="pt") as file:
        assert file.metadata()["architecture"] == "light-lite3"
        assert not any("auxiliary" in name for name in file.keys())  # noqa: SIM118
    assert isinstance(load_model(output).network, LightLite3)


@pytest.mark.parametrize("arch", ["fpn", "unet"])
def test_any_other_architecture_is_saved_as_smp_knows_it(work, tmp_path, arch):
    saved = write_checkpoint(tmp_path / "last.pt", arch=arch, encoder="resnet18")
    output = tmp_path / "w.safetensors"
    arguments = [str(tmp_path / "last.pt"), "--output", str(output), "--verify", str(work / "data")]
    assert main(arguments) == 0
    with safe_open(output, framework="pt") as file:
        assert file.metadata()["architecture"] == "smp"
        assert json.loads(file.metadata()["config"])["encoder_name"] == "resnet18"
    network = build(NetworkSettings(arch=arch, encoder_name="resnet18")).eval()
    network.load_state_dict(saved.ema)
    image = torch.randn(1, 3, 96, 64)
    torch.testing.assert_close(load_model(output).network(image), network(image), rtol=0, atol=1e-3)


def test_the_same_checkpoint_gives_the_same_bytes(work, tmp_path):
    outputs = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for output in outputs:
        assert main([str(work), "--output", str(output), "--verify", str(work / "data"), *RANDOM]) == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_a_header_in_order_is_the_library_s_own_but_for_the_order():
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


def test_a_named_card_gets_the_new_digest_and_no_other_card(work, tmp_path, capsys):
    output, card, other = tmp_path / "w.safetensors", tmp_path / "card.md", tmp_path / "MODEL_CARD.md"
    text = "# A card\n\n    sha256  {}\n\nIoU 0.8, not sha256  of anything\n"
    for path in (card, other):
        path.write_text(text.format("0" * 64))
    arguments = ["--output", str(output), "--verify", str(work / "data"), "--card", str(card), *RANDOM]
    assert main([str(work), *arguments]) == 0
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    assert card.read_text() == text.format(digest)
    assert other.read_text() == text.format("0" * 64)  # it may speak of any other weights
    assert digest in capsys.readouterr().out


def test_a_card_without_the_line_is_refused_before_anything_is_written(work, tmp_path, capsys):
    card = tmp_path / "card.md"
    card.write_text("# A card\n")
    output = tmp_path / "w.safetensors"
    arguments = [str(work), "--output", str(output), "--verify", str(work / "data"), "--card", str(card)]
    assert main(arguments) == 2
    assert "needs one line `sha256" in capsys.readouterr().err
    assert not output.exists()


def test_a_run_folder_means_its_best_checkpoint(work, tmp_path, capsys):
    write_checkpoint(tmp_path / "last.pt")
    write_checkpoint(tmp_path / "best.pt")
    assert (
        main([str(tmp_path), "--output", str(tmp_path / "w"), "--verify", str(work / "data"), *RANDOM]) == 0
    )
    assert "best.pt" in capsys.readouterr().out


def test_validation_folders_that_are_gone_are_named(work, tmp_path, capsys, monkeypatch):
    write_checkpoint(tmp_path / "last.pt", val=(tmp_path / "on another machine",))
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "w.safetensors"
    assert main(["last.pt", "--output", str(output)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "on another machine, which the training was validated on, is not here; give --verify DIR" in error
    assert main(["last.pt", "--output", str(output), "--verify", str(work / "data"), *RANDOM]) == 0


def test_disagreement_leaves_the_old_file_in_place(work, tmp_path, capsys, monkeypatch):
    def damaged(network, settings):
        state = exported_state(network, settings)
        state["head.bias"] = torch.tensor([9.0, -9.0]).half()
        return state

    monkeypatch.setattr("train_offline.commands.export.exported_state", damaged)
    output = tmp_path / "w.safetensors"
    output.write_bytes(b"the weights of last week")
    arguments = [str(work), "--output", str(output), "--verify", str(work / "data"), *RANDOM]
    assert main(arguments) == 2
    assert "nothing was written" in capsys.readouterr().err
    assert output.read_bytes() == b"the weights of last week"
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(work, tmp_path, value, capsys):
    saved = write_checkpoint(tmp_path / "last.pt")
    saved.ema["decoder.blocks.0.conv1.0.weight"].view(-1)[5] = value
    checkpoint.save(saved, tmp_path / "last.pt")
    output = tmp_path / "w.safetensors"
    assert main([str(tmp_path), "--output", str(output), "--verify", str(work / "data")]) == 2
    error = capsys.readouterr().err
    assert "decoder.blocks.0.conv1.0.weight" in error
    assert error.count("\n") == 1
    assert not output.exists()


def test_the_training_s_own_validation_folders_are_the_default(work, tmp_path, capsys):
    write_checkpoint(tmp_path / "last.pt", val=(work / "data",))
    assert main([str(tmp_path), "--output", str(tmp_path / "w.safetensors"), *RANDOM]) == 0
    assert "data: FWIoU" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "CHECKPOINT"),
        (["absent.pt"], "no such checkpoint"),
        ([__file__], "not a readable checkpoint"),
        (["{work}"], "--verify DIR"),
        (["{work}", "--verify", "{work}/nothing"], "no such folder"),
        (["{work}", "--verify", "{work}/data", "--output", "/proc/no/w.safetensors"], "cannot be written"),
    ],
)
def test_wrong_call_is_one_line(work, tmp_path, arguments, reason, capsys):
    output = [] if "--output" in arguments else ["--output", str(tmp_path / "w.safetensors")]
    assert main([a.format(work=work) for a in arguments] + output) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    assert reason in error
