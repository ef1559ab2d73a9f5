"""Deep supervision (Lee et al. 2015, arXiv:1409.5185): heads on inner decoder stages, in training only.

The recipe says "heads on the last two decoder stages (weight 0.5)". It is read as its authors' code has it:
the main head stays on the last stage, at full resolution; two more heads, each a 3x3 convolution, sit on the
two stages before it, at 1/2 and 1/4 of the resolution. The loss of each, weighted by 0.5, is added to the
main one.

Evaluation, averaging and export see the main path alone: in evaluation mode a supervised network is its plain
one, and its state dict is the plain one's and that of the heads, whose names begin with AUXILIARY.
"""

from __future__ import annotations

from typing import Any

import segmentation_models_pytorch as smp
from segmentation_models_pytorch.base import SegmentationHead, SegmentationModel
from segmentation_models_pytorch.base.initialization import initialize_head
from torch import Tensor, nn

from train_offline.models.light_residual import LightResidual
from train_offline.models.names import LIGHT
from train_offline.models.parts import UnetDecoder

AUXILIARY = "auxiliary_heads."  # of the heads' names in a state dict
HEADS = 2
SUPERVISED = ("unet", LIGHT)  # the architectures that can have them


class DeeplySupervised(SegmentationModel):  # type: ignore[misc]  # smp brings no types
    """Put before an smp network with a UNet-like decoder: the same network with auxiliary heads."""

    def add_heads(self, channels: tuple[int, ...], classes: int) -> None:
        """Add one head for each of these decoder stages, given by their channels, from the last one up."""
        heads = (SegmentationHead(inputs, classes, kernel_size=3) for inputs in channels)
        self.auxiliary_heads = nn.ModuleList(heads)
        for head in self.auxiliary_heads:
            initialize_head(head)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, list[Tensor]]:
        """[B, 3, H, W] -> logits [B, 2, H, W]; in training mode (logits, auxiliary logits).

        Auxiliary logits are [B, 2, H/2, W/2] and [B, 2, H/4, W/4].
        """
        return self.supervise(x) if self.training else super().forward(x)

    def supervise(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return what forward gives in training, in any mode."""
        self.check_input_shape(x)
        *inner, last = stage_outputs(self.decoder, self.encoder(x))
        from_the_last = zip(self.auxiliary_heads, reversed(inner[-HEADS:]), strict=True)
        auxiliary = [head(stage) for head, stage in from_the_last]
        return self.segmentation_head(last), auxiliary


class SupervisedUnet(DeeplySupervised, smp.Unet):  # type: ignore[misc]  # smp brings no types
    """smp's Unet with auxiliary heads."""


class SupervisedLightResidual(DeeplySupervised, LightResidual):
    """The light residual network with auxiliary heads."""


def supervised(kind: type[SegmentationModel], arguments: dict[str, Any]) -> SegmentationModel:
    """Make the network `kind(**arguments)` with auxiliary heads; kind is smp.Unet or LightResidual."""
    network = {smp.Unet: SupervisedUnet, LightResidual: SupervisedLightResidual}[kind](**arguments)
    network.add_heads(tuple(arguments["decoder_channels"][-2 : -2 - HEADS : -1]), arguments["classes"])
    return network


def stage_outputs(decoder: UnetDecoder, features: list[Tensor]) -> list[Tensor]:
    """Compute what smp's UnetDecoder does, stage by stage, deepest first; the last is what it returns.

    features: the encoder's maps, the image itself first and the deepest last.
    """
    *shallower, deepest = features
    skips = [None, *shallower[1:]]  # none for the last stage, which has the image's size
    x, outputs = decoder.center(deepest), []
    for block, skip, level in zip(decoder.blocks, reversed(skips), reversed(shallower), strict=True):
        x = block(x, *level.shape[2:], skip_connection=skip)
        outputs.append(x)
    return outputs


def without_heads(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the state dict of the plain network from that of a supervised one."""
    return {name: tensor for name, tensor in state.items() if not name.startswith(AUXILIARY)}
