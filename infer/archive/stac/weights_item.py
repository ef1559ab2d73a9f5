"""The weights as a STAC item of the Machine Learning Model extension: what they take and give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infer.archive.stac import packages
from infer.archive.stac.items import SHA256
from infer.network.weights_file import FAST, FAST_LIGHT, Slim, read_slim
from infer.settings import Settings

if TYPE_CHECKING:
    import pystac

# 1.4.0 is the newest that pystac reads; what is said here is the same in 1.5.
EXTENSIONS = tuple(
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in ("mlm/v1.4.0", "classification/v2.0.0", "file/v2.1.0")
)
BANDS = ("red", "green", "blue")
# A model has no time of its own, and STAC wants one: the extension's own advice for "any".
ALWAYS = {"start_datetime": "1900-01-01T00:00:00Z", "end_datetime": "9999-12-31T23:59:59Z"}
NAMES = {FAST: "UNet with tf_efficientnet_lite3", FAST_LIGHT: "UNet of residual blocks"}


def weights_item(
    weights: Path, href: str, card: Path | None = None, job: Settings | None = None
) -> pystac.Item:
    """Return the item of a weights file; href is where its readers find it.

    card: the model card, whose first paragraph describes the weights if it names their hash. job: what they
    are used with, None for the defaults. Its geometry is
    null, as they are for any place. Raises UsageError for unusable weights and without the packages.
    """
    stac = packages.pystac()
    slim, made = read_slim(weights), _metadata(weights)
    item = stac.Item(
        id=f"seaice-{slim.sha256[:16]}",
        geometry=None,
        bbox=None,
        datetime=None,
        properties={**ALWAYS, **_description(card, slim), **_model(slim, made, job or Settings())},
        stac_extensions=list(EXTENSIONS),
    )
    fields = {
        "mlm:artifact_type": "safetensors.numpy.save_file",
        "bands": _bands(),
        "file:size": weights.stat().st_size,
        "file:checksum": SHA256 + slim.sha256,
    }
    roles = ["mlm:model", "mlm:weights"]
    kind = "application/octet-stream; application=safetensors"
    item.add_asset("weights", stac.Asset(href, "Weights", None, kind, roles, fields))
    return item  # type: ignore[no-any-return]


def _metadata(weights: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(weights, framework="np") as file:
        return file.metadata() or {}


def _model(slim: Slim, made: dict[str, str], job: Settings) -> dict[str, Any]:
    parameters = sum(array.size for array in slim.state.values() if array.dtype.kind == "f")
    return {
        "mlm:name": f"Sea ice {slim.architecture} {slim.sha256[:8]}",
        "mlm:architecture": NAMES.get(slim.architecture) or f"{slim.config.get('arch', 'a network')} of smp",
        "mlm:tasks": ["semantic-segmentation"],
        "mlm:framework": "PyTorch",
        "mlm:total_parameters": parameters,
        "mlm:accelerator": None,  # it runs on a CPU as well
        "mlm:accelerator_constrained": False,
        "mlm:accelerator_summary": "One NVIDIA GPU (CUDA 12, fp16 or bf16 where it has them), else a CPU",
        "bands": _bands(),
        "mlm:input": [_input(slim)],
        "mlm:output": [_output()],
        "mlm:hyperparameters": {
            "tile": job.tile,
            "overlap": job.overlap,
            "threshold": job.threshold,
            **_trained_with(made),
        },
    }


def _bands() -> list[dict[str, str]]:
    """Return the bands, for item and asset: MLM wants them in the item, STAC then in an asset, too."""
    return [{"name": name} for name in BANDS]


def _input(slim: Slim) -> dict[str, Any]:
    """Return what the network takes: RGB of 0 to 255, each channel as (x - mean) / std."""
    scaling = [
        {"type": "z-score", "mean": mean, "stddev": std}
        for mean, std in zip(slim.mean, slim.std, strict=True)
    ]
    return {
        "name": "RGB, 0 to 255",
        "bands": list(BANDS),
        "input": {
            "shape": [-1, len(BANDS), -1, -1],
            "dim_order": ["batch", "bands", "height", "width"],
            "data_type": "float32",
        },
        "value_scaling": scaling,
        "resize_type": None,
        "pre_processing_function": None,
    }


def _output() -> dict[str, Any]:
    """Return what the network gives: a logit for each class; at 0.5 the greater one decides."""
    return {
        "name": "logits",
        "tasks": ["semantic-segmentation"],
        "result": {
            "shape": [-1, 2, -1, -1],
            "dim_order": ["batch", "class", "height", "width"],
            "data_type": "float32",
        },
        "classification:classes": [
            {"value": 0, "name": "background", "description": "0 in a mask"},
            {"value": 1, "name": "sea-ice", "description": "255 in a mask"},
        ],
        "post_processing_function": None,
    }


def _trained_with(made: dict[str, str]) -> dict[str, Any]:
    """Return what the weights say of their training; other makers' may say nothing readable."""
    known = {name: _read(made.get(name)) for name in ("commit", "data_sha256", "data", "scores")}
    return {name: value for name, value in known.items() if value is not None}


def _read(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except (ValueError, RecursionError):
        return None


def _description(card: Path | None, slim: Slim) -> dict[str, str]:
    """Return the card's first paragraph, nothing where the card is absent or of other weights."""
    try:
        text = card.read_text(encoding="utf-8") if card else ""
    except (OSError, UnicodeDecodeError):
        return {}
    paragraphs = [part.strip() for part in text.split("\n\n") if part.strip() and not part.startswith("#")]
    return {"description": " ".join(paragraphs[0].split())} if slim.sha256 in text and paragraphs else {}
