"""From smp's UNet as it was trained to the slim state dict of infer.network: BatchNorm folded, unused parts cut.

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
    encoder = model.encoder
    folded = {"stem": _fold(encoder.conv_stem, encoder.bn1)}
    first = encoder.blocks[0][0]
    folded["first.depthwise"] = _fold(first.conv_dw, first.bn1)
    folded["first.project"] = _fold(first.conv_pw, first.bn2)
    for s, stage in enumerate(list(encoder.blocks)[1:5]):  # the fourth feature map ends with stage 4
        for b, block in enumerate(stage):
            name = f"stages.{s}.{b}"
            folded[f"{name}.expand"] = _fold(block.conv_pw, block.bn1)
            folded[f"{name}.depthwise"] = _fold(block.conv_dw, block.bn2)
            folded[f"{name}.project"] = _fold(block.conv_pwl, block.bn3)
    for d, block in enumerate(model.decoder.blocks):
        for name in ("conv1", "conv2"):
            layers = getattr(block, name)
            folded[f"decoder.{d}.{name}"] = _fold(layers[0], layers[1])
    head = model.segmentation_head[0]
    folded["head"] = (head.weight.detach(), head.bias.detach())
    return {
        f"{layer}.{part}": tensor.float().contiguous().clone()
        for layer, pair in folded.items()
        for part, tensor in zip(("weight", "bias"), pair, strict=True)
    }


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution that does what conv and norm do one after the other."""
    with torch.no_grad():
        scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
        weight = conv.weight.double() * scale[:, None, None, None]
        bias = norm.bias.double() - norm.running_mean.double() * scale
        if conv.bias is not None:
            bias = bias + conv.bias.double() * scale
        return weight, bias
