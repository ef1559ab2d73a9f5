"""Loads a weights file: a slim state dict in safetensors form whose metadata says what it belongs to.

safetensors holds numbers and a JSON header, never code: a file from a stranger is not executed.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from infer.settings import UsageError

FORMAT = "seaice-slim/1"
CLASSES = ["background", "ice"]  # in the order of the logits
FAST = "unet-lite3"
FAST_LIGHT = "light-lite3"
ANY_SMP = "smp"


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
    """The model of a weights file; raises UsageError, in one line, for a file that cannot be used."""
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118, not a dict
    except OSError as error:
        raise UsageError(
            f"cannot read the weights {path}: {error.strerror}: give them with --weights"
        ) from None
    except SafetensorError as error:
        raise UsageError(
            f"the weights {path} are not a whole safetensors file ({error}): export again"
        ) from None
    try:
        return Model(_network(metadata, state), *_normalisation(metadata), sha256)
    except UsageError as error:
        raise UsageError(f"the weights {path} cannot be used: {error}") from None


def _network(metadata: dict[str, str], state: dict[str, Tensor]) -> nn.Module:
    if metadata.get("format") != FORMAT:
        raise UsageError(
            f"their format is {metadata.get('format')!r}, not {FORMAT!r}: make them with `export`"
        )
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise UsageError(f"{name} holds values that are not finite: train again")
    if _json(metadata, "classes") != CLASSES:
        raise UsageError(f"their classes are {metadata['classes']}, not {json.dumps(CLASSES)}")
    architecture = metadata.get("architecture")
    if architecture == FAST:
        from infer.network import UNetLite3

        network = UNetLite3()
    elif architecture == FAST_LIGHT:
        from infer.light_network import LightLite3

        network = LightLite3()
    elif architecture == ANY_SMP:
        network = _smp_network(_json(metadata, "config"))
    else:
        names = ", ".join(map(repr, (FAST, FAST_LIGHT, ANY_SMP)))
        raise UsageError(f"no architecture {architecture!r} here, only {names}")
    inner = network.network if architecture == ANY_SMP else network
    try:
        inner.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"they do not fit {architecture!r}: {reason}") from None
    network = network.eval().requires_grad_(False)
    if architecture == ANY_SMP:
        _try(network)
    return network


def _try(network: nn.Module) -> None:
    """One small image: an smp network may load and still not be one that gives two classes."""
    try:
        with torch.inference_mode():
            shape = tuple(network(torch.zeros(1, 3, 64, 64)).shape)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UsageError(f"their network does not run ({reason})") from None
    if shape != (1, len(CLASSES), 64, 64):
        raise UsageError(f"their network gives {shape} for one image of 64 x 64, not two classes of its size")


def _smp_network(config: dict[str, Any]) -> nn.Module:
    try:
        import segmentation_models_pytorch as smp  # seconds to import: only for networks without a fast form
    except ImportError:
        raise UsageError("they need segmentation-models-pytorch, which is not installed") from None
    from infer.any_size import AnySize

    try:
        return AnySize(smp.create_model(**{**config, "encoder_weights": None}))
    except Exception as error:  # smp checks little: a wrong configuration fails in many ways
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UsageError(f"smp cannot make their network ({reason})") from None


def _normalisation(metadata: dict[str, str]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    mean, std = _json(metadata, "mean"), _json(metadata, "std")
    for name, values in (("mean", mean), ("std", std)):
        if not isinstance(values, list) or len(values) != 3 or not all(map(_is_number, values)):
            raise UsageError(f"their {name} is {values!r}, not three numbers")
    if min(std) <= 0:
        raise UsageError(f"their std is {std!r}, not above 0")
    return tuple(mean), tuple(std)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _json(metadata: dict[str, str], key: str) -> Any:
    try:
        return json.loads(metadata[key])
    except (KeyError, ValueError):
        raise UsageError(f"their metadata has no readable {key!r}") from None
