"""What smp and timm have: architectures and encoders by name, and the hub's weights for them."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import segmentation_models_pytorch as smp
import timm
from huggingface_hub import constants, get_session
from huggingface_hub.utils import logging as hub_logging
from segmentation_models_pytorch.encoders import encoders, is_equivalent_to_timm_universal

from infer.errors import UsageError
from train_offline.models.lite2 import ENCODERS, LITE2_WEIGHTS

LIGHT = "light-residual"
IMAGENET = "imagenet"
TIMM = "tu-"  # smp's mark of an encoder that is timm's
WITHOUT = "leave {encoder_weights} out"
PATIENCE = 5  # seconds for the hub to answer


def check_names(arch: str, encoder: str) -> None:
    """Raise UsageError for a name that neither smp nor timm knows; it names those that they know."""
    architectures = [LIGHT, *smp.MODEL_ARCHITECTURES_MAPPING]
    if arch.lower() not in architectures:
        raise UsageError(
            f"no architecture {arch!r}", f": {{arch}} is one of {', '.join(sorted(architectures))}"
        )
    if encoder.startswith(TIMM):
        name = encoder.removeprefix(TIMM)
        known, names = timm.is_model(name), [TIMM + other for other in timm.list_models()]
    else:
        known = encoder in encoders or is_equivalent_to_timm_universal(encoder)
        names = [*encoders, *(TIMM + other for other in timm.list_models())]
    if not known:
        similar = difflib.get_close_matches(encoder, names, cutoff=0.5)
        hint = f"; similar: {', '.join(similar)}" if similar else ""
        raise UsageError(
            f"no encoder {encoder!r}", f": {{encoder}} is smp's name, or {TIMM}NAME for timm's NAME{hint}"
        )


@contextmanager
def first_weights(encoder: str, weights: str | None) -> Iterator[str | bool | None]:
    """Give the value of smp's encoder_weights, for the time in which the encoder is made.

    Raises UsageError for weights that the encoder has not got, or that neither the hub nor its cache on this
    machine gives.
    """
    if weights is not None:
        _check_weights(encoder, weights)
    if weights in (None, LITE2_WEIGHTS):  # Lite2's are set once the encoder is made
        yield None
        return
    try:
        with _hub():
            yield True if encoder.startswith(TIMM) else weights
    except OSError as error:  # of huggingface_hub: nothing in the cache, and no way to the hub
        without = f"give {{encoder_weights}} {LITE2_WEIGHTS}" if encoder in ENCODERS else WITHOUT
        raise UsageError(
            f"the {weights} weights of encoder {encoder} cannot be fetched: run once with a network, or copy "
            f"{constants.HF_HUB_CACHE} from a machine that has them",
            f", or {without}",
        ) from error


@contextmanager
def _hub() -> Iterator[None]:
    """Let the hub's library work in silence, and from its cache alone where the hub does not answer.

    Its own six attempts take half a minute for each file, even for one in the cache.
    """
    verbosity, offline = hub_logging.get_verbosity(), constants.HF_HUB_OFFLINE
    hub_logging.set_verbosity(logging.CRITICAL)  # it tells of every retry
    try:
        constants.HF_HUB_OFFLINE = offline or not _answers(constants.ENDPOINT)
        yield
    finally:
        hub_logging.set_verbosity(verbosity)
        constants.HF_HUB_OFFLINE = offline


def _answers(url: str) -> bool:
    """Tell whether anything answers there within seconds, be it an error; proxies as the hub's library."""
    try:
        get_session().head(url, timeout=PATIENCE)
    except Exception:  # of the library's HTTP client, whose kinds have no common base of ours
        return False
    return True


def _check_weights(encoder: str, weights: str) -> None:
    if weights == LITE2_WEIGHTS:
        if encoder not in ENCODERS:
            raise UsageError(
                f"{weights} are for encoder {ENCODERS[0]}", ": leave {encoder} or {encoder_weights} out"
            )
        return
    if encoder.startswith(TIMM):
        found = [IMAGENET] if timm.models.is_model_pretrained(encoder.removeprefix(TIMM)) else []
    elif encoder in encoders:
        found = list(encoders[encoder]["pretrained_settings"])
    else:
        return  # an old name of smp for one of timm's encoders
    if weights not in found:
        what = f"has only {', '.join(found)}" if found else "has no weights"
        raise UsageError(f"encoder {encoder} {what}, not {weights}", f": {WITHOUT}")
