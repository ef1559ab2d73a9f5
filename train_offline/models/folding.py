"""From a trained network to the slim state dict of infer: BatchNorm folded, unused parts cut.

A BatchNorm in evaluation, y = (x - mean) / sqrt(var + eps) * gamma + beta, is one more linear step behind a
convolution, so that it can move into the convolution's weight and bias (in float64 here, rounded once).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from train_offline.models.light_residual import LightDecoder, ResidualBlock
from train_offline.models.parts import (
    EfficientNet,
    efficientnet,
    expands,
    segmenter,
    statistics,
    unet_decoder,
)

# smp's name of the encoder that infer.network.unet_lite3 writes out
FAST_ENCODER = "timm-tf_efficientnet_lite3"
FAST_CONFIG: dict[str, Any] = {
    "arch": "unet",
    "encoder_name": FAST_ENCODER,
    "encoder_depth": 4,
    "decoder_channels": [128, 64, 32, 16],
    "classes": 2,
}

Layer = tuple[nn.Conv2d, nn.BatchNorm2d | None]


def slim_state_dict(model: nn.Module) -> dict[str, Tensor]:
    """Return the fp32 state dict for infer's UNetLite3 or LightLite3.

    model: smp's Unet made with FAST_CONFIG, or the LightResidual of the same encoder, depth and channels; of
    auxiliary heads nothing is taken. Raises AttributeError or IndexError for a model of another form.
    """
    return {
        f"{name}.{part}": tensor.float().contiguous()
        for name, (conv, norm) in layers(model).items()
        for part, tensor in zip(("weight", "bias"), _fold(conv, norm), strict=True)
    }


def layers(model: nn.Module) -> dict[str, Layer]:
    """Return the convolutions of the forward pass, by their names in infer, with the norm behind each."""
    parts = segmenter(model)
    decoder = parts.decoder
    found = _light_decoder(decoder) if isinstance(decoder, LightDecoder) else _unet_decoder(decoder)
    head: dict[str, Layer] = {"head": (_conv(parts.segmentation_head[0]), None)}
    return _encoder(efficientnet(parts.encoder)) | found | head


def _conv(module: nn.Module) -> nn.Conv2d:
    if not isinstance(module, nn.Conv2d):
        raise AttributeError(f"a {type(module).__name__} in place of a convolution")
    return module


def _conv_and_norm(sequence: nn.Sequential) -> Layer:
    conv, norm = sequence[0], sequence[1]
    return _conv(conv), norm if isinstance(norm, nn.BatchNorm2d) else None


def _encoder(encoder: EfficientNet) -> dict[str, Layer]:
    first = encoder.blocks[0][0]
    found: dict[str, Layer] = {
        "stem": (encoder.conv_stem, encoder.bn1),
        "first.depthwise": (first.conv_dw, first.bn1),
        "first.project": (first.conv_pw, first.bn2),
    }
    for s, stage in enumerate(encoder.blocks[1:5]):  # the fourth feature map ends there
        for b, block in enumerate(stage):
            if not expands(block):
                raise AttributeError(f"block {b} of stage {s + 1} has no expansion")
            found[f"stages.{s}.{b}.expand"] = block.conv_pw, block.bn1
            found[f"stages.{s}.{b}.depthwise"] = block.conv_dw, block.bn2
            found[f"stages.{s}.{b}.project"] = block.conv_pwl, block.bn3
    return found


def _unet_decoder(decoder: nn.Module) -> dict[str, Layer]:
    return {
        f"decoder.{s}.{name}": _conv_and_norm(getattr(stage, name))
        for s, stage in enumerate(unet_decoder(decoder).blocks)
        for name in ("conv1", "conv2")
    }


def _light_decoder(decoder: LightDecoder) -> dict[str, Layer]:
    return {
        f"decoder.{s}.{b}.{name}": layer
        for s, stage in enumerate(decoder.blocks)
        for b, block in stage.named_children()
        if isinstance(block, ResidualBlock)
        for name, layer in _residual_block(block).items()
    }


def _residual_block(block: ResidualBlock) -> dict[str, Layer]:
    _, squeeze, _, excite, _ = block.attention.cSE
    parts = {name: getattr(block, name) for name in ("expand", "depthwise", "project", "shortcut")}
    found = {name: _conv_and_norm(part) for name, part in parts.items() if isinstance(part, nn.Sequential)}
    gates = {"squeeze": squeeze, "excite": excite, "pixel": block.attention.sSE[0]}
    return found | {f"attention.{name}": (conv, None) for name, conv in gates.items()}


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution that does what conv and norm do one after the other."""
    with torch.no_grad():
        weight = conv.weight.double()
        bias = torch.zeros(len(weight), dtype=torch.float64) if conv.bias is None else conv.bias.double()
        if norm is None:
            return weight, bias
        mean, variance = (running.double() for running in statistics(norm))
        scale = norm.weight.double() / torch.sqrt(variance + norm.eps)
        shift = norm.bias.double() - mean * scale
        return weight * scale[:, None, None, None], bias * scale + shift
