"""The one trained network in every form that a contestant loads.

python -m tests.bench.harness.models FOLDER DATA

weights.safetensors (ours), smp.pt and config.json (smp's), network.onnx (uint8 in, classes out) and
network.xml (OpenVINO's). Making them costs no contestant anything: in a container they would lie ready. What
needs a package that is not installed is left out, and said.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from infer.settings import WEIGHTS
from tests.bench.peers.common import MEAN, STD
from train_offline.data.folder import pairs_in, read_labelled

CROPS, SIDE = 8, 256  # pixels that show BatchNorm what its inputs look like
OPSET = 17
# By the package that they cannot be made without; nothing is made without the first.
FORMS = {
    "segmentation_models_pytorch": ("smp.pt", "config.json", "network.onnx"),
    "openvino": ("network.xml",),
}


class WithPixels(nn.Module):
    """uint8 [B, H, W, 3] -> uint8 [B, H, W]: normalisation and the choice of the class go into the graph."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network((images.permute(0, 3, 1, 2).float() - MEAN) / STD)
        return (logits[:, 1] > logits[:, 0]).to(torch.uint8)


def make_models(folder: Path, scenes: Path, weights: Path = WEIGHTS) -> Path:
    """All forms of `weights` in `folder`, unless they are there for the same weights; returns the folder.

    scenes: a data folder whose pixels the way back to BatchNorm is reckoned on.
    """
    copy = folder / "weights.safetensors"
    forms = _possible_forms()
    whole = all((folder / name).is_file() for name in forms)
    if whole and copy.is_file() and copy.read_bytes() == weights.read_bytes():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if forms:
        _make_forms(folder, scenes, weights)
    shutil.copyfile(weights, copy)  # last: it says that the others are whole
    return folder


def _possible_forms() -> list[str]:
    """Names of what the peers load, as far as the packages go."""
    forms = []
    for package, names in FORMS.items():
        if importlib.util.find_spec(package) is None:
            print(f"models: without {package} no {' and '.join(names)}", file=sys.stderr)
            if package == "segmentation_models_pytorch":
                return []
        else:
            forms += names
    return forms


def _make_forms(folder: Path, scenes: Path, weights: Path) -> None:
    from train_offline.models.build import NetworkSettings, build
    from train_offline.models.unfolding import start_from_slim

    settings = NetworkSettings()
    network = build(settings)
    start_from_slim(network, weights, _crops(scenes))
    network.eval()
    torch.save(network.state_dict(), folder / "smp.pt")
    (folder / "config.json").write_text(json.dumps(settings.arguments()))
    _export(network, folder)


def _crops(scenes: Path) -> Tensor:
    """The upper left corners of as many scenes, normalised: float32 [CROPS, 3, SIDE, SIDE]."""
    crops = [read_labelled(pair).image[:SIDE, :SIDE] for pair in pairs_in(scenes)[:CROPS]]
    return (torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() - MEAN) / STD


def _export(network: nn.Module, folder: Path) -> None:
    dynamic = {0: "batch", 1: "height", 2: "width"}
    torch.onnx.export(
        WithPixels(network).eval(), (torch.zeros(1, 64, 64, 3, dtype=torch.uint8),), folder / "network.onnx",
        input_names=["images"], output_names=["mask"], opset_version=OPSET, dynamo=False,
        dynamic_axes={"images": dynamic, "mask": dynamic},
    )  # fmt: skip
    if importlib.util.find_spec("openvino") is None:
        return
    import openvino  # of the peers' own environment

    model = openvino.convert_model(folder / "network.onnx")
    openvino.save_model(model, folder / "network.xml", compress_to_fp16=True)


if __name__ == "__main__":
    make_models(Path(sys.argv[1]), Path(sys.argv[2]))
