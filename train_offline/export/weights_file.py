"""What the weights file of infer holds: tensors and facts, the same bytes from the same checkpoint."""

from __future__ import annotations

import json
import math

import torch
from safetensors.torch import save
from torch import Tensor, nn

from infer.network.padded_smp import PaddedSmp
from infer.network.weights_file import ANY_SMP, CLASSES, FAST, FAST_LIGHT, FORMAT
from train_offline.models.build import NetworkSettings
from train_offline.models.folding import FAST_CONFIG, slim_state_dict
from train_offline.models.names import LIGHT
from train_offline.models.preprocessing import MEAN, STD
from train_offline.training.checkpoint import Checkpoint
from train_offline.training.config.settings import TrainSettings

# A rounding error in the first layers goes through all that follow. Kept in fp32, this twelfth of the weights
# takes 0.38 MB more and cuts the pixels whose class the rounding changes to a tenth (both fast networks).
IN_FULL = ("stem.", "first.", "stages.0.", "stages.1.")


def architecture_of(settings: NetworkSettings) -> str:
    """Return the name that infer knows the network by."""
    arguments = settings.arguments()
    for name, arch in ((FAST, FAST_CONFIG["arch"]), (FAST_LIGHT, LIGHT)):
        if arguments == {**FAST_CONFIG, "arch": arch}:
            return name
    return ANY_SMP


def exported_state(network: nn.Module, settings: NetworkSettings) -> dict[str, Tensor]:
    """Return a fast network's folded forward pass, in fp32; any other's tensors as they are."""
    if architecture_of(settings) != ANY_SMP:
        return slim_state_dict(network)
    inner = network.network if isinstance(network, PaddedSmp) else network
    return {name: tensor.contiguous().clone() for name, tensor in inner.state_dict().items()}


def halved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a fast network's state in fp16, but for its first layers: half the size."""
    return {name: _rounded(name, tensor) for name, tensor in state.items()}


def _rounded(name: str, tensor: Tensor) -> Tensor:
    half = tensor.half()  # values beyond its range stay fp32 too
    return tensor if name.startswith(IN_FULL) or not torch.isfinite(half).all() else half


def metadata_of(saved: Checkpoint, settings: TrainSettings) -> dict[str, str]:
    """Return what the file's header says of the weights: every value a string, mostly JSON; no paths."""
    architecture = architecture_of(settings.network)
    facts = {
        "mean": [MEAN] * 3,
        "std": [STD] * 3,
        "classes": CLASSES,
        "scores": {name: value for name, value in saved.scores.items() if math.isfinite(value)},
        "data": {
            "train": {folder.name: weight for folder, weight in settings.data.train},
            "val": [folder.name for folder in settings.data.val],
            "crops": saved.step * (saved.crops_per_step or settings.optimisation.batch),
            "crop": settings.crops.size,
            "seed": settings.run.seed,
        },
    }
    facts |= {name: saved.facts[name] for name in ("data_sha256", "commit") if saved.facts.get(name)}
    if architecture == ANY_SMP:
        facts["config"] = settings.network.arguments()
    header = {"format": FORMAT, "architecture": architecture}
    return header | {name: json.dumps(value) for name, value in facts.items()}


def to_bytes(state: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """Return the whole file; the same tensors and metadata give the same bytes.

    safetensors sorts the tensors but writes the metadata in a random order (its issue 584): that one object
    of the header is put in alphabetical order here. Its length, so every offset, stays what the library
    wrote.
    """
    data = save(state, metadata)
    start, size = 8, int.from_bytes(data[:8], "little")  # a JSON header behind its length
    header = json.loads(data[start : start + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return data[:start] + text.ljust(size) + data[start + size :]
