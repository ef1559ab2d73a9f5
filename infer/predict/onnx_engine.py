"""The fast network on a CPU by ONNX Runtime, which starts in a tenth of torch's time.

network/graphs/unet_lite3.onnx is the graph without weights, by train_offline.export.onnx_graph; they are
put in from the weights file, so that there is one file of weights for all engines.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort

from infer.errors import NotFiniteError, UsageError
from infer.network.weights_file import Slim
from infer.predict.tiles import stacked
from infer.process.limits import cpus
from infer.process.text import in_short

if TYPE_CHECKING:
    from infer.predict.engine import Pixels

    Provider = str | tuple[str, dict[str, str]]

GRAPH = Path(__file__).resolve().parents[1] / "network" / "graphs" / "unet_lite3.onnx"
GRAPHS = {"fp32": GRAPH, "fp16": GRAPH.with_suffix(".fp16.onnx")}
NAMES = "state"  # in the graph's metadata: the names of the state dict, as JSON
PREFIX = "network."  # of these names in the graph
ERRORS_ONLY = 3


class OnnxNetwork:
    """A graph of GRAPHS with the weights in it, as a session with these options and providers.

    Raises UsageError for weights of another network, and what ONNX Runtime raises for any other reason.
    """

    def __init__(
        self, slim: Slim, graph: Path, options: ort.SessionOptions, providers: Sequence[Provider]
    ) -> None:
        dtype = np.float16 if graph == GRAPHS["fp16"] else np.float32
        # The session does not copy them: they must live as long as it does.
        with np.errstate(over="ignore"):  # too large for fp16 shows in the network's output
            arrays = [array.astype(dtype, copy=False) for array in slim.state.values()]
        self._values = [ort.OrtValue.ortvalue_from_numpy(array) for array in arrays]
        options.add_external_initializers([PREFIX + name for name in slim.state], self._values)
        # Else it prints that it goes on with the CPU where a provider fails.
        self._session = ort.InferenceSession(graph, options, providers=providers, enable_fallback=0)
        known = json.loads(self._session.get_modelmeta().custom_metadata_map[NAMES])
        if unknown := sorted(slim.state.keys() - set(known)):
            raise _misfit(slim, f"{unknown[0]} is not part of it")
        self._norm = {
            name: np.array(values, np.float32).reshape(1, 3, 1, 1)
            for name, values in (("mean", slim.mean), ("std", slim.std))
        }

    @property
    def provider(self) -> str:
        """What ONNX Runtime computes with."""
        return str(self._session.get_providers()[0])

    def forward(self, windows: Sequence[Pixels]) -> np.ndarray:
        """Turn B tiles uint8 [h, w, 3] into masks uint8 [B, h, w], 0 and 255; raises NotFiniteError."""
        images = stacked(windows)
        masks: np.ndarray
        masks, total = self._session.run(["masks", "total"], {"images": images, **self._norm})
        if not np.isfinite(total):
            raise NotFiniteError
        return masks[:, 0]


class OnnxEngine:
    """Raises UsageError for weights of another network."""

    name, device, precision, prepares_shapes = "onnxruntime", "cpu", "fp32", False

    def __init__(self, slim: Slim) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = ERRORS_ONLY
        options.intra_op_num_threads = cpus()
        try:
            self._network = OnnxNetwork(slim, GRAPH, options, ["CPUExecutionProvider"])
        except UsageError:
            raise
        except Exception as error:  # it has a dozen kinds, and does not name the array that is wrong
            raise _misfit(slim, in_short(error)) from None

    def forward(self, windows: Sequence[Pixels]) -> np.ndarray:
        """Turn B tiles uint8 [h, w, 3] into masks uint8 [B, h, w], 0 and 255; raises NotFiniteError."""
        return self._network.forward(windows)

    def more_precise(self) -> None:
        """Return None: fp32 is all there is."""

    def peak_gpu_bytes(self) -> int:
        """Return 0: there is no GPU in it."""
        return 0

    def release(self) -> None:
        """Do nothing: nothing is held that a smaller batch could not use."""


def _misfit(slim: Slim, reason: str) -> UsageError:
    """Return what torch says of the weights, which takes seconds but is precise; else the reason given."""
    from infer.network.torch_model import model_of

    try:
        model_of(slim)
    except UsageError as error:
        return error
    return slim.unusable(f"ONNX Runtime cannot run them: {reason}")
