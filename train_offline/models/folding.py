"""From a trained network to the slim state dict of infer: BatchNorm folded, unused parts cut.

A BatchNorm in evaluation, y = (x - mean) / sqrt(var + eps) * gamma + beta, is one more linear step behind a
convolution, so that it can move into the convolution's weight and bias (in float64 here, rounded once).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from train_offline.models.light_residual import LightDecoder, ResidualBlock

FAST_ENCODER = (
    "timm-tf_efficientnet_lite3"  # smp's name of the encoder that infer.network.unet_lite3 writes out
)
FAST_CONFIG = {
    "arch": "unet",
    "encoder_name": FAST_ENCODER,
    "encoder_depth": 4,
    "decoder_channels": [128, 64, 32, 16],
    "classes": 2,
}

Layer = tuple[nn.Conv2d, nn.BatchNorm2d | None]


def slim_state_dict(model: nn.Module) -> dict[str, Tensor]:
    """fp32 state dict for infer.network.unet_lite3.UNetLite3 or infer.network.light_lite3.LightLite3.

    model: smp's Unet made with FAST_CONFIG, or the LightResidual of the same encoder, depth and channels; of
    auxiliary heads nothing is taken. Raises AttributeError or IndexError for a model of another form.
    """
    return {
        f"{name}.{part}": tensor.float().contiguous()
        for name, (conv, norm) in layers(model).items()
        for part, tensor in zip(("weight", "bias"), _fold(conv, norm), strict=True)
    }


def layers(model: nn.Module) -> dict[str, Layer]:
    """The convolutions of the forward pass, by their names in infer, with the norm behind each."""
    decoder = _light_decoder if isinstance(model.decoder, LightDecoder) else _unet_decoder
    head = {"head": (model.segmentation_head[0], None)}
    return _encoder(model.encoder) | decoder(model.decoder) | head


def _encoder(encoder: nn.Module) -> dict[str, Layer]:
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
    return found


def _unet_decoder(decoder: nn.Module) -> dict[str, Layer]:
    return {
        f"decoder.{s}.{name}": (getattr(stage, name)[0], getattr(stage, name)[1])
        for s, stage in enumerate(decoder.blocks)
        for name in ("conv1", "conv2")
    }


def _light_decoder(decoder: LightDecoder) -> dict[str, Layer]:
    return {
        f"decoder.{s}.{b}.{name}": layer
        for s, stage in enumerate(decoder.blocks)
        for b, block in stage.named_children()
        for name, layer in _residual_block(block).items()
    }


def _residual_block(block: ResidualBlock) -> dict[str, Layer]:
    _, squeeze, _, excite, _ = block.attention.cSE
    parts = ("expand", "depthwise", "project", "shortcut")
    parts = {name: getattr(block, name) for name in parts}
    found = {name: (part[0], part[1]) for name, part in parts.items() if isinstance(part, nn.Sequential)}
    gates = {"squeeze": squeeze, "excite": excite, "pixel": block.attention.sSE[0]}
    return found | {f"attention.{name}": (conv, None) for name, conv in gates.items()}


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
