"""A weights file as a torch network: for CUDA, and for all networks but the fast one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from infer.errors import UsageError
from infer.network.weights_file import ANY_SMP, CLASSES, FAST, Slim, read_slim
from infer.process.image import in_image
from infer.process.text import first_line, in_short


@dataclass(frozen=True)
class Model:
    """A network in fp32 on the CPU, ready for evaluation, and what must be known to use it.

    mean and std are per RGB channel, in the scene's units (0 to 255).
    """

    network: nn.Module
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    sha256: str


def load_model(path: Path) -> Model:
    """Load the model of a weights file; raises UsageError, in one line, for a file that cannot be used."""
    return model_of(read_slim(path))


def model_of(slim: Slim) -> Model:
    """Make the torch network of weights that have been read; raises UsageError where they do not fit it."""
    try:
        return Model(_network(slim), slim.mean, slim.std, slim.sha256)
    except UsageError as error:
        raise slim.unusable(str(error)) from None


def _network(slim: Slim) -> nn.Module:
    state = {name: torch.from_numpy(array) for name, array in slim.state.items()}
    network, inner = _empty(slim)
    try:
        inner.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as error:
        raise UsageError(f"they do not fit {slim.architecture!r}: {in_short(error)}") from None
    network = network.eval().requires_grad_(False)
    if slim.architecture == ANY_SMP:
        _try(network)
    return network


def _empty(slim: Slim) -> tuple[nn.Module, nn.Module]:
    """Make the network, and return with it the module that the weights belong to."""
    network: nn.Module
    if slim.architecture == ANY_SMP:
        return _smp_network(slim.config)
    if slim.architecture == FAST:
        from infer.network.unet_lite3 import UNetLite3

        network = UNetLite3()
    else:
        from infer.network.light_lite3 import LightLite3

        network = LightLite3()
    return network, network


def _try(network: nn.Module) -> None:
    """Try one small image: an smp network may load and still not be one that gives two classes."""
    try:
        with torch.inference_mode():
            shape = tuple(network(torch.zeros(1, 3, 64, 64)).shape)
    except Exception as error:
        reason = first_line(f"{type(error).__name__}: {error}")
        raise UsageError(f"their network does not run ({reason})") from None
    if shape != (1, len(CLASSES), 64, 64):
        raise UsageError(f"their network gives {shape} for one image of 64 x 64, not two classes of its size")


def _smp_network(config: dict[str, Any]) -> tuple[nn.Module, nn.Module]:
    try:
        import segmentation_models_pytorch as smp  # seconds to import: only for networks without a fast form
    except ImportError:
        remedy = "build the image with --target full" if in_image() else "install it"
        raise UsageError(f"they need segmentation-models-pytorch, which is not there: {remedy}") from None
    from infer.network.padded_smp import PaddedSmp

    try:
        inner = smp.create_model(**{**config, "encoder_weights": None})
        return PaddedSmp(inner), inner
    except Exception as error:  # smp checks little: a wrong configuration fails in many ways
        reason = first_line(f"{type(error).__name__}: {error}")
        raise UsageError(f"smp cannot make their network ({reason})") from None
