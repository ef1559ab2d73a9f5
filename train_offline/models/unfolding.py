"""The way back from fold: a slim state dict put into a training network, so that training can go on from it.

A folded convolution has no BatchNorm left, so each one is chosen anew: its mean and variance are those of the
convolution's output on real crops, its scale and shift undo just that normalisation and add the folded bias.
The network then computes what the slim file does, and in training mode, on crops like those, nearly the same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from infer.errors import FileError
from infer.network.padded_smp import PaddedSmp
from infer.network.torch_model import load_model
from train_offline.models.deep_supervision import AUXILIARY
from train_offline.models.folding import Layer, layers
from train_offline.models.parts import statistics
from train_offline.models.preprocessing import MEAN, STD


def start_from_slim(network: nn.Module, path: Path, images: Tensor) -> None:
    """Put a weights file of infer into a network that models.build made; images as unfold wants them.

    Raises UsageError for a file that cannot be read, of another network or with another normalisation.
    """
    model = load_model(path)
    if (model.mean, model.std) != ((MEAN,) * 3, (STD,) * 3):
        raise FileError(path, f"its pixels are normalised by {model.mean} and {model.std}, not as here")
    try:
        if isinstance(model.network, PaddedSmp):
            inner = network.network if isinstance(network, PaddedSmp) else network
            state = model.network.network.state_dict()  # auxiliary heads stay as they are, as in unfold
            heads = {name: t for name, t in inner.state_dict().items() if name.startswith(AUXILIARY)}
            inner.load_state_dict(state | heads)
        else:
            unfold(network, model.network.state_dict(), images)
    except (ValueError, RuntimeError, AttributeError) as error:
        reason = "its weights hold another network"
        raise FileError(path, reason, " than {arch} and {encoder} say", kind="form") from error


@torch.no_grad()
def unfold(network: nn.Module, slim: dict[str, Tensor], images: Tensor) -> None:
    """Load `slim`, a state dict of infer.network's UNetLite3 or LightLite3, into `network`.

    network: what models.build made, with that architecture; auxiliary heads stay as they are.
    images: float32 [N, 3, S, S], normalised training crops that go through the network at once; S is a
    multiple of 16. Raises ValueError, before anything is changed, where names or shapes do not fit.
    """
    found = layers(network)
    _require_fit(found, slim)
    was_training, hooks = network.training, []
    for name, (conv, norm) in found.items():
        conv.weight.copy_(slim[f"{name}.weight"])
        if norm is not None:
            hooks.append(conv.register_forward_hook(_setter(norm, slim[f"{name}.bias"])))
        elif conv.bias is not None:
            conv.bias.copy_(slim[f"{name}.bias"])
    try:
        network.eval()(images)  # each convolution sets its norm before that is used
    finally:
        for hook in hooks:
            hook.remove()
        network.train(was_training)


def _setter(norm: nn.BatchNorm2d, bias: Tensor) -> Callable[[nn.Conv2d, tuple[Tensor], Tensor], None]:
    """Make a forward hook of the convolution before `norm`; from then on the norm only adds `bias`."""
    running_mean, running_variance = statistics(norm)

    def set_norm(conv: nn.Conv2d, inputs: tuple[Tensor], output: Tensor) -> None:  # output: [N, C, h, w]
        variance, mean = torch.var_mean(output, dim=(0, 2, 3), correction=0)
        running_mean.copy_(mean)
        running_variance.copy_(variance)
        norm.weight.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.copy_(bias.to(mean) + mean)

    return set_norm


def _require_fit(found: dict[str, Layer], slim: dict[str, Tensor]) -> None:
    wanted = {f"{name}.weight": conv.weight.shape for name, (conv, _) in found.items()}
    wanted |= {f"{name}.bias": conv.weight.shape[:1] for name, (conv, _) in found.items()}
    given = {name: tensor.shape for name, tensor in slim.items()}
    if wanted != given:
        wrong = sorted(name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name))
        raise ValueError(f"{wrong[0]} and {len(wrong) - 1} others do not fit")
