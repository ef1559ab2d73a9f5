"""Make infer/network/graphs/unet_lite3*.onnx, the fast network's graphs without weights, in fp32 and fp16.

python -m train_offline.export.onnx_graph

A graph takes uint8 pixels and gives uint8 masks: normalisation and the choice of the class are part of
it, so that nothing is computed outside of ONNX Runtime. Its weights are named as in the slim state dict and
marked as lying elsewhere; infer.predict.onnx_engine puts them in. Needed anew only when the network or the
exporter changes.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import warnings

import onnx
import torch
from torch import Tensor, nn

from infer.network.unet_lite3 import UNetLite3
from infer.predict.engine import ICE
from infer.predict.onnx_engine import GRAPHS, NAMES, PREFIX
from train_offline.runtime.files import write_whole

OPSET = 17
DTYPES = {"fp32": torch.float32, "fp16": torch.float16}
SIDE = 64  # of the image that the graph is traced with; any multiple of 16 gives the same


class _Masks(nn.Module):
    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self.dtype = network.to(dtype), dtype

    def forward(self, images: Tensor, mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
        """Turn pixels into masks, with the sum of the logits.

        uint8 [B, H, W, 3], float32 [1, 3, 1, 1] twice -> uint8 [B, 1, H, W], 0 and 255; float32 []. The sum
        is finite where all logits are.
        """
        images, mean, std = (_cast(x, self.dtype) for x in (images.permute(0, 3, 1, 2), mean, std))
        logits = self.network((images - mean) / std)
        masks = (logits[:, 1:] > logits[:, :1]).to(torch.uint8) * ICE
        return masks, _cast(logits, torch.float32).sum()  # fp16 has no room for a sum


def _cast(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Cast, without a node of the graph that does nothing."""
    return x if x.dtype == dtype else x.to(dtype)


def graph(precision: str) -> bytes:
    """Make the graph of a precision, "fp32" or "fp16", as an ONNX file holds it."""
    masks = _Masks(UNetLite3().eval(), DTYPES[precision])
    shape = (1, 3, 1, 1)
    inputs = (torch.zeros(1, SIDE, SIDE, 3, dtype=torch.uint8), torch.zeros(shape), torch.ones(shape))
    file = io.BytesIO()
    dynamic = {
        "images": {0: "batch", 1: "height", 2: "width"},
        "masks": {0: "batch", 2: "height", 3: "width"},
    }
    with warnings.catch_warnings():  # the newer exporter writes the sizes of the traced image into the graph
        warnings.simplefilter("ignore")
        torch.onnx.export(
            masks,
            inputs,
            file,  # type: ignore[arg-type]  # the exporter without dynamo writes into files too
            input_names=["images", "mean", "std"],
            output_names=["masks", "total"],
            opset_version=OPSET,
            dynamo=False,
            dynamic_axes=dynamic,
        )
    model = onnx.load_from_string(file.getvalue())
    for node in model.graph.node:
        node.doc_string = ""
    bare = _without_weights(model, set(masks.state_dict()))
    return bytes(bare.SerializeToString(deterministic=True))


def _without_weights(model: onnx.ModelProto, names: set[str]) -> onnx.ModelProto:
    for tensor in model.graph.initializer:
        if tensor.name in names:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="weights file")
    found = {tensor.name for tensor in model.graph.initializer}
    if found != names:
        raise RuntimeError(f"the exporter renamed weights: {sorted(found ^ names)[:3]}")
    listed = json.dumps(sorted(name.removeprefix(PREFIX) for name in names))
    onnx.helper.set_model_props(model, {NAMES: listed})
    return model


def main() -> int:
    """Write the graphs to their place in infer."""
    argparse.ArgumentParser(prog="onnx_graph", description="Make graphs of infer anew.").parse_args()
    for precision, path in GRAPHS.items():
        write_whole(path, graph(precision))
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
