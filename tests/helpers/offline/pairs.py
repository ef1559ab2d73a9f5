"""The pairs of architecture and encoder that unit tests and tests/experiments/architectures.py try."""

from __future__ import annotations

from train_offline.models.build import NetworkSettings

DEFAULT_ENCODER = NetworkSettings.encoder_name
ENCODERS = (  # with the default architecture
    DEFAULT_ENCODER, "resnet18", "mobilenet_v2", "efficientnet-b0", "mit_b0", "timm-regnetx_002",
    "tu-convnext_atto", "tu-hrnet_w18_small", "tu-mobilenetv3_small_100", "tu-resnest14d",
)  # fmt: skip
WITH_RESNET = (
    "unetplusplus", "manet", "linknet", "fpn", "pspnet", "deeplabv3", "deeplabv3plus", "pan", "upernet",
    "segformer",
)  # fmt: skip
PAIRS = (
    *(("unet", encoder) for encoder in ENCODERS),
    ("light-residual", DEFAULT_ENCODER),
    *((arch, "resnet18") for arch in WITH_RESNET),
    ("segformer", "mit_b0"),
    ("dpt", "tu-vit_tiny_patch16_224"),
)
