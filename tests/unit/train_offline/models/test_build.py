"""Networks by name, with auxiliary heads or without, and the one line for a name that is none."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import timm
import torch
from lightning_fabric import Fabric
from safetensors.torch import save_file
from segmentation_models_pytorch.encoders import encoders, get_encoder
from torch import nn
from torch.optim.swa_utils import AveragedModel

from infer.errors import UsageError
from infer.network.padded_smp import PaddedSmp
from tests.helpers.offline.pairs import PAIRS
from train_offline.models.build import NetworkSettings, build
from train_offline.models.deep_supervision import AUXILIARY, without_heads
from train_offline.models.folding import slim_state_dict

NAMED = ("unet", "light-residual")


def _images(height: int = 80, width: int = 112) -> torch.Tensor:  # multiples of 16 that are none of 32
    return torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))


def test_every_architecture_of_smp_is_tried() -> None:
    assert {arch for arch, _ in PAIRS} == {*smp.MODEL_ARCHITECTURES_MAPPING, *NAMED}


@pytest.mark.parametrize(("arch", "encoder"), PAIRS)
def test_every_pair_takes_multiples_of_16(arch: str, encoder: str) -> None:
    network = build(NetworkSettings(arch=arch, encoder_name=encoder))
    assert network.training
    assert network(_images()).shape == (2, 2, 80, 112)
    with torch.inference_mode():
        assert network.eval()(_images(64, 48)).shape == (2, 2, 64, 48)


@pytest.mark.parametrize("encoder", ["tu-hrnet_w18_small", "mit_b0"])
def test_encoders_that_want_longer_strides_are_padded(encoder: str) -> None:
    padded = isinstance(build(NetworkSettings(encoder_name=encoder)), PaddedSmp)
    assert padded == (encoder == "tu-hrnet_w18_small"), "the one that wants multiples of 32"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"arch": "transformer"}, "--arch is one of deeplabv3, .*light-residual"),
        ({"encoder_name": "resnet19"}, "no encoder 'resnet19'.*similar: resnet18"),
        ({"encoder_name": "tu-resnet19"}, "no encoder 'tu-resnet19'.*similar: tu-resnet"),
        ({"arch": "light-residual", "encoder_name": "resnet18"}, "leave --encoder out"),
        ({"arch": "dpt", "encoder_name": "resnet18"}, "dpt with the encoder resnet18 cannot be made: "),
        ({"encoder_name": "tu-swin_tiny_patch4_window7_224"}, "does not run: "),
        ({"encoder_name": "resnet18", "encoder_weights": "imagenet-lite2"}, "are for encoder timm-tf"),
        ({"encoder_name": "resnet18", "encoder_weights": "other"}, "has only imagenet, ssl, swsl, not other"),
        ({"encoder_name": "tu-mobilenetv4_conv_small_035", "encoder_weights": "imagenet"}, "has no weights"),
    ],
    ids=str,
)  # fmt: skip
def test_a_name_that_is_none_is_one_line(settings: dict, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        build(NetworkSettings(**settings))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("encoder", "instead"),
    [
        (NetworkSettings.encoder_name, "give --encoder-weights imagenet-lite2"),
        ("tu-tf_efficientnet_lite3", "leave --encoder-weights out"),
    ],
)
def test_hub_weights_out_of_reach_are_one_line(
    encoder: str, instead: str, tmp_path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The hub library's own failure: an empty cache, and its offline mode instead of waiting."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(
        UsageError, match=f"run once with a network, or copy .*cache.* machine that has them, or {instead}"
    ):
        build(NetworkSettings(encoder_name=encoder, encoder_weights="imagenet"))
    assert not caplog.records


@pytest.mark.parametrize("encoder", ["resnet18", "tu-resnet18"])
def test_hub_weights_that_were_fetched_once_need_no_network(
    encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache as the hub's library leaves it, of made-up weights: one of smp's repository, one of timm's."""
    torch.manual_seed(5)
    fetched = get_encoder(encoder).state_dict()
    if encoder.startswith("tu-"):
        repository, revision = timm.get_pretrained_cfg("resnet18").hf_hub_id, "1" * 40
        fetched = {name.removeprefix("model."): tensor for name, tensor in fetched.items()}
    else:
        stored = encoders[encoder]["pretrained_settings"]["imagenet"]
        repository, revision = stored["repo_id"], stored["revision"]
    folder = tmp_path / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(revision)
    (folder / "snapshots" / revision).mkdir(parents=True)
    (folder / "snapshots" / revision / "config.json").write_text("{}")
    save_file(fetched, folder / "snapshots" / revision / "model.safetensors")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    network = build(NetworkSettings(encoder_name=encoder, encoder_weights="imagenet"))
    first = next(value for name, value in network.state_dict().items() if name.endswith("conv1.weight"))
    assert torch.equal(first, fetched["conv1.weight"])


@pytest.mark.parametrize("arch", NAMED)
def test_auxiliary_logits_come_in_training_only(arch: str) -> None:
    network = build(NetworkSettings(arch=arch), deep_supervision=True)
    logits, auxiliary = network(_images())
    assert logits.shape == (2, 2, 80, 112)
    assert [tuple(a.shape) for a in auxiliary] == [(2, 2, 40, 56), (2, 2, 20, 28)]
    (logits.mean() + sum(a.square().mean() for a in auxiliary)).backward()
    for name, parameter in network.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
    assert all(p.grad.abs().sum() > 0 for p in network.auxiliary_heads.parameters())
    assert network.eval()(_images()).shape == (2, 2, 80, 112)


@pytest.mark.parametrize("arch", NAMED)
def test_the_main_path_of_a_supervised_network_is_the_plain_one(arch: str) -> None:
    torch.manual_seed(4)
    supervised = build(NetworkSettings(arch=arch), deep_supervision=True)
    torch.manual_seed(4)
    plain = build(NetworkSettings(arch=arch))
    for (name, mine), (_, theirs) in zip(
        plain.named_parameters(), without_heads(dict(supervised.named_parameters())).items(), strict=True
    ):
        assert torch.equal(mine, theirs), f"{name}: heads must not change what a seed gives"
        assert mine.requires_grad == theirs.requires_grad, name
    expected = plain(_images())
    torch.testing.assert_close(supervised(_images())[0], expected)
    plain.load_state_dict(without_heads(supervised.state_dict()))
    torch.testing.assert_close(supervised.eval()(_images()), plain.eval()(_images()))
    slim = slim_state_dict(supervised)
    assert slim.keys() == slim_state_dict(plain).keys()


@pytest.mark.parametrize("arch", NAMED)
def test_auxiliary_heads_survive_averaging_copies_and_state_dicts(arch: str) -> None:
    network = build(NetworkSettings(arch=arch), deep_supervision=True)
    average = AveragedModel(network, use_buffers=True)
    average.update_parameters(network)
    again = build(NetworkSettings(arch=arch), deep_supervision=True)
    state = average.module.state_dict()
    assert any(name.startswith(AUXILIARY) for name in state)
    again.load_state_dict(state)
    for other in (average.module, again, copy.deepcopy(network)):
        for mine, theirs in zip(
            network.eval().supervise(_images())[1], other.eval().supervise(_images())[1], strict=True
        ):
            torch.testing.assert_close(mine, theirs)


def _two_steps(fabric: Fabric, arch: str) -> None:
    torch.manual_seed(0)
    network = build(NetworkSettings(arch=arch), deep_supervision=True)
    wrapped, optimiser = fabric.setup(network, torch.optim.SGD(network.parameters(), lr=0.1))
    before = [p.detach().clone() for p in network.auxiliary_heads.parameters()]
    for _ in range(2):  # DDP complains in the second step about parameters without a gradient
        logits, auxiliary = wrapped(_images(48, 48) + fabric.global_rank)
        fabric.backward(logits.square().mean() + sum(a.square().mean() for a in auxiliary))
        optimiser.step()
        optimiser.zero_grad()
    after = list(network.auxiliary_heads.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    everyone = fabric.all_gather(torch.cat([p.detach().flatten() for p in network.parameters()]))
    assert torch.equal(everyone[0], everyone[1]), "both processes hold the same weights"


def test_deep_supervision_trains_on_two_processes() -> None:
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp_fork")  # forked: nothing is imported twice
    fabric.launch(lambda fabric: [_two_steps(fabric, arch) for arch in NAMED])


def test_deep_supervision_is_for_unets() -> None:
    with pytest.raises(UsageError, match="deep supervision is for unet and light-residual, not for FPN"):
        build(NetworkSettings(arch="FPN"), deep_supervision=True)


def test_an_encoder_that_has_no_auxiliary_heads_says_what_helps() -> None:
    with pytest.raises(UsageError, match="without deep supervision only: give --deep-supervision 0"):
        build(NetworkSettings(encoder_name="tu-hrnet_w18_small"), deep_supervision=True)
    with pytest.raises(UsageError, match=r"does not run: .* choose another"):
        build(NetworkSettings(encoder_name="tu-swin_tiny_patch4_window7_224"), deep_supervision=True)


def test_nothing_unused_is_trained_and_statistics_are_new() -> None:
    network = build(NetworkSettings())
    assert not any(p.requires_grad for p in network.encoder.blocks[5:].parameters()), "past the fourth stage"
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.momentum == 0.1
            assert module.num_batches_tracked == 0
            assert torch.equal(module.running_mean, torch.zeros_like(module.running_mean))


def test_parameters_that_the_output_does_not_need_are_frozen() -> None:
    network = build(NetworkSettings())
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert trained < 0.4 * sum(p.numel() for p in network.parameters())
    network(torch.randn(2, 3, 32, 32)).square().mean().backward()
    assert all((p.grad is not None) == p.requires_grad for p in network.parameters())
    assert all(m.momentum == 0.1 for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d))
