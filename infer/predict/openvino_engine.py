"""The fast network on CPUs that are fast at bf16, by OpenVINO: twice the pace of fp32, after a slower start.

network/graphs/unet_lite3.xml is the graph (made by train_offline.export.openvino_graph), without its weights.
Its first layers stay in fp32: less than a pixel in a thousand gets another class than in fp32 throughout.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from infer.errors import NotFiniteError
from infer.network.weights_file import Slim
from infer.predict.engine import Engine
from infer.predict.tiles import stacked
from infer.process.limits import cpus

# Its converters, which the job has no use for, import a package that reports how it is used.
sys.modules.setdefault("openvino.tools", None)  # type: ignore[arg-type]  # None forbids the import
import openvino  # noqa: E402

if TYPE_CHECKING:
    from infer.predict.engine import Pixels

GRAPH = Path(__file__).resolve().parents[1] / "network" / "graphs" / "unet_lite3.xml"
# Of what it prepares for each shape of its input, how much it keeps: all of it is 700 MB for 100 shapes.
SHAPES_KEPT = 64
HINTS = {"bf16": "bf16", "fp32": "f32"}  # OpenVINO's words
UP, SKIP = ".up.weight", ".skip.weight"  # the two parts of a decoder stage's first convolution


class OpenVinoEngine:
    """precision: "bf16" or "fp32", of all but the first layers.

    Raises ValueError for weights of another network, RuntimeError where OpenVINO cannot run here.
    """

    name, device, prepares_shapes = (
        "openvino",
        "cpu",
        True,
    )  # 50 ms, as much as a scene of 300 x 300 takes in bf16

    def __init__(self, slim: Slim, precision: str = "bf16") -> None:
        self._slim, self.precision = slim, precision
        self._core = openvino.Core()
        self._model = self._core.read_model(GRAPH)
        self._values = _put_in(self._model, weights_of(slim))  # the model does not copy them
        self._start()

    def _start(self) -> None:
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": HINTS[self.precision],
            "INFERENCE_NUM_THREADS": cpus(),
            "CPU_RUNTIME_CACHE_CAPACITY": SHAPES_KEPT,
        }
        self._request = self._core.compile_model(self._model, "CPU", settings).create_infer_request()

    def forward(self, windows: Sequence[Pixels]) -> np.ndarray:
        """Turn B tiles uint8 [h, w, 3] into masks uint8 [B, h, w], 0 and 255; raises NotFiniteError."""
        images = stacked(windows)
        self._request.infer([openvino.Tensor(images, shared_memory=True)])
        masks: np.ndarray = self._request.get_output_tensor(0).data
        total = self._request.get_output_tensor(1).data
        if not np.isfinite(total):
            raise NotFiniteError
        return masks[:, 0].copy()  # the request writes the next ones into the same memory

    def more_precise(self) -> Engine | None:
        """Return the same network by ONNX Runtime, which computes in fp32; None where this one does too."""
        if self.precision == "fp32":
            return None
        from infer.predict.onnx_engine import OnnxEngine

        return OnnxEngine(self._slim)

    def peak_gpu_bytes(self) -> int:
        """Return 0: there is no GPU in it."""
        return 0

    def release(self) -> None:
        """Begin anew: a forward pass that failed leaves its memory behind, with the network too."""
        self._request = None
        self._start()


def weights_of(slim: Slim) -> dict[str, np.ndarray]:
    """Return float32 arrays by the graph's parameters; raises ValueError for those of another network."""
    arrays = {"mean": np.array(slim.mean, np.float32), "std": np.array(slim.std, np.float32)}
    for name, array in slim.state.items():
        if name.startswith("decoder.") and name.endswith(".conv1.weight"):
            if array.ndim != 4 or array.shape[2:] != (3, 3):
                raise ValueError(f"{name} is no 3x3 convolution")
            stem, skipped = name.removesuffix(".weight"), _skip_channels(name)
            arrays[stem + UP] = phases(array[:, : array.shape[1] - skipped])
            if skipped:
                arrays[stem + SKIP] = np.ascontiguousarray(array[:, array.shape[1] - skipped :])
        else:
            arrays[name] = array
    return arrays


def _skip_channels(name: str) -> int:
    from infer.network.architecture import SKIPS

    try:
        return SKIPS[int(name.split(".")[1])]
    except (ValueError, IndexError):
        raise ValueError(f"{name} is not part of it") from None


def phases(weight: np.ndarray) -> np.ndarray:
    """Merge nearest upsampling and a 3x3 convolution [O, I, 3, 3] into a transposed one, [I, O, 4, 4].

    That has stride 2 and padding 1. An even row of its output sees the row above and its own in the small
    map, an odd one its own and the one below; taps that fall on one row add up.
    """
    taps = np.zeros((4, 3), np.float32)  # of the transposed kernel, of the 3x3 one
    for tap, parts in enumerate(((2,), (1, 2), (0, 1), (0,))):
        taps[tap, list(parts)] = 1
    return np.ascontiguousarray(np.einsum("ak,oikl,bl->ioab", taps, weight, taps, optimize=True))


def _put_in(model: openvino.Model, arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Put constants in the places of the model's parameters but the pixels; return what must live as long."""
    kept = []
    for parameter in model.get_parameters():
        name = parameter.get_friendly_name()
        if name == "images":
            continue
        shape = tuple(parameter.get_output_shape(0))
        array = arrays.pop(name, None)
        if array is None or array.size != np.prod(shape):
            raise ValueError(f"{name} is missing or has another size")
        kept.append(np.ascontiguousarray(array.reshape(shape), np.float32))
        constant = openvino.op.Constant(kept[-1], shared_memory=True)
        parameter.output(0).replace(constant.output(0))
        model.remove_parameter(parameter)
    if arrays:
        raise ValueError(f"{min(arrays)} is not part of it")
    return kept
