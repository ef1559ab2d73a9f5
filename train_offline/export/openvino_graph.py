"""Make infer/network/graphs/unet_lite3.xml, the fast network for OpenVINO.

python -m train_offline.export.openvino_graph

The graph takes uint8 pixels and gives uint8 masks, as train_offline.export.onnx_graph's does. Its weights are
parameters, named as in the slim state dict; infer.predict.openvino_engine puts constants in their places.
Needed anew only when the network or OpenVINO's major version changes.

- Nearest-neighbour upsampling before a 3x3 convolution is one transposed 4x4 convolution, exactly up to
  rounding: four of nine products are left (design of the phases: infer.predict.openvino_engine.phases).
- The layers at half the scene's resolution are marked to stay in fp32 where the rest is bf16: that halves the
  number of pixels that bf16 moves, for a tenth of the time. The next two stages would take nearly all of the
  others, for another sixth.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import openvino
from openvino import opset13 as ops

from infer.network.architecture import CLASSES, DECODER, DEEPEST, EXPANSION, FIRST, SKIPS, STAGES, STEM
from infer.predict.engine import ICE
from infer.predict.openvino_engine import GRAPH
from train_offline.runtime.files import whole_file, write_whole

PRECISE = ("input", "stem", "first", "total")  # beginnings of names
NOT_COMPUTED = ("Parameter", "Result", "Const")  # kinds of layers
COUNTED = re.compile(r".*[A-Z][A-Za-z]+_\d+")  # OpenVINO's own names, which count everything in the process
KEPT = {"name": "precise", "version": "0"}  # OpenVINO's attribute of an operation that is left in fp32


class _Builder:
    """Operations of one graph; `weights` are its parameters beside the pixels."""

    def __init__(self) -> None:
        self.weights: list[openvino.Node] = []

    def weight(self, name: str, *shape: int) -> openvino.Node:
        node = ops.parameter(shape, np.float32, name=name)
        self.weights.append(node)
        return node

    def conv(self, x: openvino.Node, name: str, outputs: int, kernel: int, stride: int = 1) -> openvino.Node:
        weight = self.weight(f"{name}.weight", outputs, _channels(x), kernel, kernel)
        return self._with_bias(ops.convolution(x, weight, *_window(kernel, stride), name=name), name, outputs)

    def depthwise(self, x: openvino.Node, name: str, kernel: int, stride: int = 1) -> openvino.Node:
        channels = _channels(x)
        weight = self.weight(f"{name}.weight", channels, 1, 1, kernel, kernel)
        y = ops.group_convolution(x, weight, *_window(kernel, stride), name=name)
        return self._with_bias(y, name, channels)

    def up(self, x: openvino.Node, skip: openvino.Node | None, name: str, outputs: int) -> openvino.Node:
        """Upsample by two, concatenate the skip, convolve 3x3: the sum of the parts of x and of the skip."""
        weight = self.weight(f"{name}.up.weight", _channels(x), outputs, 4, 4)
        y = ops.convolution_backprop_data(
            x, weight, strides=[2, 2], pads_begin=[1, 1], pads_end=[1, 1], name=f"{name}.up"
        )
        if skip is not None:
            kernel = self.weight(f"{name}.skip.weight", outputs, _channels(skip), 3, 3)
            y = ops.add(y, ops.convolution(skip, kernel, *_window(3, 1), name=f"{name}.skip"))
        return self._with_bias(y, name, outputs)

    def _with_bias(self, y: openvino.Node, name: str, outputs: int) -> openvino.Node:
        return ops.add(y, self.weight(f"{name}.bias", 1, outputs, 1, 1), name=f"{name}.sum")


def _channels(x: openvino.Node) -> int:
    return int(x.get_output_partial_shape(0)[1].get_length())


def _window(kernel: int, stride: int) -> tuple[list[int], ...]:
    """Strides, padding before and after, dilations."""
    return [stride] * 2, [kernel // 2] * 2, [kernel // 2] * 2, [1, 1]


def _relu6(x: openvino.Node, name: str) -> openvino.Node:
    return ops.clamp(x, 0.0, 6.0, name=f"{name}.relu6")


def _encode(build: _Builder, x: openvino.Node) -> tuple[openvino.Node, list[openvino.Node | None]]:
    """As Lite3Encoder.encode of infer.network: the deepest features, and the skip of each decoder stage."""
    half = _relu6(build.conv(x, "stem", STEM, 3, 2), "stem")
    x = _relu6(build.depthwise(half, "first.depthwise", 3), "first.depthwise")
    x = build.conv(x, "first.project", FIRST, 1)
    ends = []
    for i, (blocks, kernel, stride, outputs) in enumerate(STAGES):
        for j in range(blocks):
            x = _residual(build, x, f"stages.{i}.{j}", kernel, 1 if j else stride, outputs)
        ends.append(x)
    return x, [ends[1], ends[0], half, None]


def _residual(
    build: _Builder, x: openvino.Node, name: str, kernel: int, stride: int, outputs: int
) -> openvino.Node:
    y = build.conv(x, f"{name}.expand", EXPANSION * _channels(x), 1)
    y = build.depthwise(_relu6(y, f"{name}.expand"), f"{name}.depthwise", kernel, stride)
    y = build.conv(_relu6(y, f"{name}.depthwise"), f"{name}.project", outputs, 1)
    same = stride == 1 and _channels(x) == outputs
    return ops.add(y, x, name=f"{name}.residual") if same else y


def graph() -> openvino.Model:
    """Make the graph.

    uint8 [B, H, W, 3] -> masks uint8 [B, 1, H, W], 0 and ICE; float32, finite where all logits are.
    """
    build = _Builder()
    images = ops.parameter(openvino.PartialShape([-1, -1, -1, 3]), np.uint8, name="images")
    x = ops.transpose(ops.convert(images, "f32", name="input.convert"), [0, 3, 1, 2], name="input.transpose")
    x = ops.subtract(x, build.weight("mean", 1, 3, 1, 1), name="input.subtract")
    x = ops.divide(x, build.weight("std", 1, 3, 1, 1), name="input.divide")
    x, skips = _encode(build, x)
    if [_channels(skip) if skip else 0 for skip in skips] != list(SKIPS) or _channels(x) != DEEPEST:
        raise RuntimeError("this graph and infer.network.architecture differ")
    for i, (skip, outputs) in enumerate(zip(skips, DECODER, strict=True)):
        x = ops.relu(build.up(x, skip, f"decoder.{i}.conv1", outputs))
        x = ops.relu(build.conv(x, f"decoder.{i}.conv2", outputs, 3))
    logits = build.conv(x, "head", CLASSES, 3)
    background, ice = ops.split(logits, 1, CLASSES).outputs()
    masks = ops.multiply(ops.convert(ops.greater(ice, background), "u8"), np.uint8(ICE))
    total = ops.reduce_sum(logits, [0, 1, 2, 3], name="total")
    results = [ops.result(node, name=name) for node, name in ((masks, "masks"), (total, "total.result"))]
    return openvino.Model(results, [images, *build.weights], "unet_lite3")


def write(path: Path) -> None:
    """Write the graph to `path` and its few constants beside it (.bin)."""
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, "graph.xml")
        openvino.save_model(graph(), draft, compress_to_fp16=False)
        tree = ElementTree.parse(draft)
        for layer in tree.iterfind("layers/layer"):
            _rename_or_mark(layer)
        write_whole(path.with_suffix(".bin"), draft.with_suffix(".bin").read_bytes())
        with whole_file(path) as whole:
            tree.write(whole, encoding="utf-8", xml_declaration=True)


def _rename_or_mark(layer: ElementTree.Element) -> None:
    name, kind = layer.get("name", ""), layer.get("type", "")
    if COUNTED.fullmatch(name):
        name = f"{kind}.{layer.get('id')}"
        layer.set("name", name)
    if name.startswith(PRECISE) and kind not in NOT_COMPUTED:
        _keep_precise(layer)


def _keep_precise(layer: ElementTree.Element) -> None:
    info = layer.find("rt_info")
    if info is None:
        info = ElementTree.Element("rt_info")
        layer.insert(0 if layer.find("data") is None else 1, info)
    ElementTree.SubElement(info, "attribute", KEPT)


def main() -> int:
    """Write the graph to its place in infer."""
    argparse.ArgumentParser(prog="openvino_graph", description="Make a graph of infer anew.").parse_args()
    write(GRAPH)
    print(f"{GRAPH}: {GRAPH.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
