"""From a trained smp UNet to the slim state dict of infer.network: BatchNorm folded, unused parts cut.

A BatchNorm in evaluation, y = (x - mean) / sqrt(var + eps) * gamma + beta, is one more linear step behind a
convolution, so that it can move into the convolution's weight and bias (in float64 here, rounded once).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

FAST_ENCODER = "timm-tf_efficientnet_lite3"  # smp's name of the encoder that infer.network writes out
FAST_CONFIG = {
    "arch": "Unet",
    "encoder_name": FAST_ENCODER,
    "encoder_depth": 4,
    "decoder_channels": [128, 64, 32, 16],
    "classes": 2,
}


def slim_state_dict(model: nn.Module) -> dict[str, Tensor]:
    """fp32 state dict for infer.network.UNetLite3 from an smp UNet built with FAST_CONFIG.

    Raises AttributeError or IndexError for a model of another form.
    """
    return {
        f"{name}.{part}": tensor.float().contiguous()
        for name, (conv, norm) in layers(model).items()
        for part, tensor in zip(("weight", "bias"), _fold(conv, norm), strict=True)
    }


def layers(model: nn.Module) -> dict[str, tuple[nn.Conv2d, nn.BatchNorm2d | None]]:
    """The convolutions of the forward pass, by their names in infer.network, with the norm behind each."""
    encoder = model.encoder
    first = encoder.blocks[0][0]
    found = {
        "stem": (encoder.conv_stem, encoder.bn1),
        "first.depthwise": (first.conv_dw, first.bn1),
        "first.project": (first.conv_pw, first.bn2),
    }
    for s, stage in enumerate(list(encoder.blocks)[1:5]):  # the fourth feature map ends there
        for b, block in enumerate(stage):
            found[f"stages.{s}.{b}.expand"] = block.conv_pw, block.bn1
            found[f"stages.{s}.{b}.depthwise"] = block.conv_dw, block.bn2
            found[f"stages.{s}.{b}.project"] = block.conv_pwl, block.bn3
    for d, block in enumerate(model.decoder.blocks):
        for conv in ("conv1", "conv2"):
            found[f"decoder.{d}.{conv}"] = getattr(block, conv)[0], getattr(block, conv)[1]
    found["head"] = model.segmentation_head[0], None
    return found


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution that does what conv and norm do one after the other."""
    with torch.no_grad():
        weight = conv.weight.double()
        bias = torch.zeros(len(weight), dtype=torch.float64) if conv.bias is None else conv.bias.double()
        if norm is None:
            return weight, bias
        scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
        shift = norm.bias.double() - norm.running_mean.double() * scale
        return weight * scale[:, None, None, None], bias * scale + shift
