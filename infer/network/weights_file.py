"""The weights file: a slim state dict in safetensors form whose metadata says what it belongs to.

safetensors holds numbers and a JSON header, never code: a file from a stranger is not executed. Nothing here
needs torch: on a CPU the fast network runs without it.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from infer.errors import UsageError

FORMAT = "seaice-slim/1"
MAX_BYTES = 2**32  # of a file; the largest encoders of timm have half of that
CLASSES = ["background", "ice"]  # in the order of the logits
FAST = "unet-lite3"
FAST_LIGHT = "light-lite3"
ANY_SMP = "smp"
HEADS = {FAST: "head.bias", FAST_LIGHT: "head.bias", ANY_SMP: "segmentation_head.0.bias"}


@dataclass(frozen=True)
class Slim:
    """What a weights file holds.

    architecture: FAST, FAST_LIGHT or ANY_SMP. config: of ANY_SMP, the arguments of smp.create_model. state:
    float32 arrays by name, all finite. mean and std: per RGB channel, in the scene's units (0 to 255).
    """

    path: Path
    architecture: str
    config: dict[str, Any]
    state: dict[str, np.ndarray]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    sha256: str

    def unusable(self, why: str) -> UsageError:
        """Return the error to raise where the weights turn out not to fit."""
        return UsageError(f"the weights {self.path} cannot be used: {why}")


def with_threshold(slim: Slim, threshold: float) -> Slim:
    """Return weights whose greater logit is that of ice where its probability is above the threshold.

    threshold: between 0 and 1, both excluded; 0.5 leaves all as it is. Only the bias of the last layer
    differs, so that every engine obeys. Raises UsageError where the last layer has none.
    """
    shift = math.log(threshold / (1 - threshold))
    if shift == 0:
        return slim
    head = HEADS[slim.architecture]
    if slim.state.get(head, np.empty(0)).shape != (len(CLASSES),):
        why = f"their last layer has no {head}, which a threshold other than 0.5 needs"
        raise slim.unusable(why)
    bias = slim.state[head] - np.array([0, shift], np.float32)
    return replace(slim, state={**slim.state, head: bias})


def read_slim(path: Path) -> Slim:
    """Read a weights file; raises UsageError, in one line, for a file that cannot be used."""
    sha256 = sha256_of(path)
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
    except OSError as error:
        raise _unreadable(path, error) from None
    except SafetensorError as error:
        raise UsageError(
            f"the weights {path} are not a whole safetensors file ({error}): export again"
        ) from None
    except (TypeError, KeyError, ValueError, AttributeError):
        raise UsageError(f"the weights {path} hold numbers of a type unknown here: export again") from None
    try:
        return _checked(path, metadata, state, sha256)
    except UsageError as error:
        raise UsageError(f"the weights {path} cannot be used: {error}") from None


def architecture_of(path: Path) -> str:
    """Return the name of a weights file's architecture by its header alone; "" where that cannot be read."""
    try:
        with safe_open(path, framework="np") as file:
            return str((file.metadata() or {}).get("architecture", ""))
    except (OSError, SafetensorError):  # read_slim says what is wrong
        return ""


def sha256_of(weights: Path) -> str:
    """Return the SHA-256 in hexadecimal; raises UsageError for a weights file that cannot be read."""
    try:
        if weights.stat().st_size > MAX_BYTES:
            raise UsageError(f"the weights {weights} have more than {MAX_BYTES} bytes: export them again")
        return hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as error:
        raise _unreadable(weights, error) from None


def _unreadable(weights: Path, error: OSError) -> UsageError:
    reason = f"cannot read the weights {weights}: {error.strerror}"
    return UsageError(reason, ": give them with {weights}", weights)


def _checked(path: Path, metadata: dict[str, str], state: dict[str, np.ndarray], sha256: str) -> Slim:
    if metadata.get("format") != FORMAT:
        raise UsageError(
            f"their format is {metadata.get('format')!r}, not {FORMAT!r}: make them with `export`"
        )
    for name, array in state.items():
        if array.dtype.kind not in "biuf":
            raise UsageError(f"{name} holds numbers of a type unknown here ({array.dtype}): export again")
        if not np.isfinite(array).all():
            raise UsageError(f"{name} holds values that are not finite: train again")
    if _json(metadata, "classes") != CLASSES:
        raise UsageError(f"their classes are {metadata['classes']}, not {json.dumps(CLASSES)}")
    architecture = metadata.get("architecture", "")
    if architecture not in (FAST, FAST_LIGHT, ANY_SMP):
        names = ", ".join(map(repr, (FAST, FAST_LIGHT, ANY_SMP)))
        raise UsageError(f"no architecture {metadata.get('architecture')!r} here, only {names}")
    config = _json(metadata, "config") if architecture == ANY_SMP else {}
    with np.errstate(over="ignore"):
        full = {name: array.astype(_wide(array.dtype), order="C") for name, array in state.items()}
    for name, array in full.items():
        if not np.isfinite(array).all():
            raise UsageError(f"{name} holds values that float32 cannot: train again")
    mean, std = _normalisation(metadata)
    return Slim(path, architecture, config, full, mean, std, sha256)


def _wide(dtype: np.dtype) -> np.dtype:
    """float32 for floats; counters stay what they are."""
    return np.dtype(np.float32) if dtype.kind == "f" else dtype


PerChannel = tuple[float, float, float]


def _normalisation(metadata: dict[str, str]) -> tuple[PerChannel, PerChannel]:
    mean, std = _json(metadata, "mean"), _json(metadata, "std")
    for name, values in (("mean", mean), ("std", std)):
        if not isinstance(values, list) or len(values) != 3 or not all(map(_is_number, values)):
            raise UsageError(f"their {name} is {values!r}, not three numbers")
    if min(std) < 1e-30:  # or float32 would make it 0
        raise UsageError(f"their std is {std!r}, not above 0")
    return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e38  # float32 can hold it


def _json(metadata: dict[str, str], key: str) -> Any:
    try:
        return json.loads(metadata[key])
    except (KeyError, ValueError, RecursionError):
        raise UsageError(f"their metadata has no readable {key!r}") from None
