"""The fast networks compute what smp's modules compute with the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import tifffile
import torch
from torch import nn

from infer.network.light_lite3 import LightLite3
from infer.network.torch_model import load_model
from infer.network.unet_lite3 import UNetLite3
from infer.predict.tiles import crop, grid
from tests.helpers.support import WEIGHTS, shared
from train_offline.models.build import NetworkSettings, build
from train_offline.models.folding import FAST_CONFIG, slim_state_dict
from train_offline.models.unfolding import unfold
from train_offline.scenery.scene import make_scene

SCENES = (
    "data/bohai_dev/image/bohai_term1.tif",
    "data/floes_modis/image/baffin_bay-200km-20060704.aqua.tiff",
    "data/unlabeled/cloudy.truecolor.tiff",
)
FAST = {"unet": UNetLite3, "light-residual": LightLite3}


@torch.no_grad()
def _with_random_statistics(model: nn.Module, crops: torch.Tensor) -> nn.Module:
    """Every BatchNorm gets a scale, a shift and statistics of real size, so that folding has work to do."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 0.5
        nn.init.uniform_(norm.weight, 0.7, 1.2)
        nn.init.normal_(norm.bias, 0.0, 0.1)
    model.train()
    for _ in range(4):
        model(crops)
    return model.eval()


def _crops() -> torch.Tensor:
    """Four crops of every scene, [12, 3, 128, 128], whose statistics suit the scenes as training's would."""
    images = [tifffile.imread(shared(part))[..., :3] for part in SCENES]
    corners = [(image, 70 * i) for image in images for i in range(4)]
    return torch.cat([_normalised(image[at : at + 128, at : at + 128]) for image, at in corners])


def _normalised(image: np.ndarray) -> torch.Tensor:  # [1, 3, H, W]
    return (torch.as_tensor(image).permute(2, 0, 1)[None].float() - 127.5) / 31.875


@pytest.fixture(scope="module", params=["unet", "light-residual", "shipped"])
def reference_and_fast(request: pytest.FixtureRequest) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(3)
    if request.param == "shipped":
        fast, reference = load_model(WEIGHTS).network, build(NetworkSettings())
        unfold(reference, fast.state_dict(), _normalised(make_scene(1, 256, 256, ice=True).image))
        return reference.eval(), fast
    reference = _with_random_statistics(build(NetworkSettings(arch=request.param)), _crops())
    fast = FAST[request.param]().eval()
    fast.load_state_dict(slim_state_dict(reference))
    return reference, fast


@pytest.mark.parametrize("part", SCENES)
@torch.inference_mode()
def test_logits_and_masks_match_smps(reference_and_fast: tuple[nn.Module, nn.Module], part: str) -> None:
    reference, fast = reference_and_fast
    image = tifffile.imread(shared(part))[..., :3]
    (tile,) = grid(image.shape[0], image.shape[1], 2048, 0)
    x = _normalised(crop(image, tile))
    expected, got = reference(x), fast(x.to(memory_format=torch.channels_last))
    assert expected.std() > 0.1
    # Rounding grows with the logits. Those of trained networks stay within 10; random ones go further.
    assert (expected - got).abs().max() < 1e-3 * max(1, expected.abs().max() / 10)
    same = (expected[:, 1] > expected[:, 0]) == (got[:, 1] > got[:, 0])
    assert same.float().mean() >= 0.9999


def test_the_plain_one_is_smps_unet() -> None:
    torch.manual_seed(5)
    reference = smp.create_model(**FAST_CONFIG, encoder_weights=None).eval()
    fast = UNetLite3().eval()
    fast.load_state_dict(slim_state_dict(reference))
    x = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        assert (reference(x) - fast(x)).abs().max() < 1e-3


@pytest.mark.parametrize(("arch", "parameters"), [("unet", 2_350_000), ("light-residual", 2_200_000)])
def test_only_the_parameters_of_the_forward_pass_are_kept(arch: str, parameters: int) -> None:
    state = slim_state_dict(build(NetworkSettings(arch=arch), deep_supervision=True))
    fast = FAST[arch]()
    assert state.keys() == fast.state_dict().keys()
    fast(torch.randn(1, 3, 32, 32)).sum().backward()
    assert all(parameter.grad is not None for parameter in fast.parameters())
    assert sum(tensor.numel() for tensor in state.values()) < parameters


@torch.no_grad()
def _light() -> LightLite3:
    torch.manual_seed(1)
    fast = LightLite3().eval()
    with torch.enable_grad():
        reference = build(NetworkSettings(arch="light-residual"))
    crops = (
        _normalised(make_scene(2, 128, 256, ice=True).image)
        .unflatten(3, (2, 128))
        .movedim(3, 0)
        .flatten(0, 1)
    )
    fast.load_state_dict(slim_state_dict(_with_random_statistics(reference, crops)))
    return fast


def test_the_light_network_sees_the_whole_input_but_not_its_neighbours() -> None:
    """What its docstring says of SCSE: pooled over one image, all of it, in a batch or alone."""
    networks = {"plain": load_model(WEIGHTS).network, "light": _light()}
    x = torch.randn(2, 3, 512, 512)
    changed = x[:1].clone()
    changed[..., -16:, -16:] += 3  # 496 pixels from the other corner: further than convolutions carry
    far = {}
    with torch.inference_mode():
        for name, network in networks.items():
            alone = network(x[:1])
            torch.testing.assert_close(network(x)[:1], alone, rtol=0, atol=1e-3)
            far[name] = float((network(changed) - alone)[..., :16, :16].abs().max())
    assert far["light"] > 1e-3
    assert far["plain"] < far["light"] / 10


def test_shipped_weights_are_slim() -> None:
    assert WEIGHTS.stat().st_size <= 6_000_000
    state = load_model(WEIGHTS).network.state_dict()
    assert all(np.isfinite(tensor.numpy()).all() for tensor in state.values())
    card = (Path(WEIGHTS).parent / "MODEL_CARD.md").read_text()
    assert load_model(WEIGHTS).sha256 in card
