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

GRAPH = Path(__file__).resolve().parents[1] / "network" / "graphs" / "unet_lite3.onnx"
NAMES = "state"  # in the graph's metadata: the names of the state dict, as JSON
PREFIX = "network."  # of these names in the graph
ERRORS_ONLY = 3


class OnnxEngine:
    """Raises UsageError for weights of another network."""

    device, precision, prepares_shapes = "cpu", "fp32", False

    def __init__(self, slim: Slim) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = ERRORS_ONLY
        options.intra_op_num_threads = cpus()
        # The session does not copy them: they must live as long as it does.
        self._values = [ort.OrtValue.ortvalue_from_numpy(array) for array in slim.state.values()]
        options.add_external_initializers([PREFIX + name for name in slim.state], self._values)
        try:
            self._session = ort.InferenceSession(GRAPH, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # it has a dozen kinds, and does not name the array that is wrong
            raise _misfit(slim, in_short(error)) from None
        known = json.loads(self._session.get_modelmeta().custom_metadata_map[NAMES])
        if unknown := sorted(slim.state.keys() - set(known)):
            raise _misfit(slim, f"{unknown[0]} is not part of it")
        self._norm = {
            name: np.array(values, np.float32).reshape(1, 3, 1, 1)
            for name, values in (("mean", slim.mean), ("std", slim.std))
        }

    def forward(self, windows: Sequence[Pixels]) -> np.ndarray:
        """Turn B tiles uint8 [h, w, 3] into masks uint8 [B, h, w], 0 and 255; raises NotFiniteError."""
        images = stacked(windows)
        masks: np.ndarray
        masks, total = self._session.run(["masks", "total"], {"images": images, **self._norm})
        if not np.isfinite(total):
            raise NotFiniteError
        return masks[:, 0]

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
