"""The fast network on a GPU by ONNX Runtime (onnxruntime-gpu), which needs neither torch nor DALI.

Optional: torch stays the GPU's engine until a measurement on one says otherwise. network/graphs holds the
graph once for each precision, both by train_offline.export.onnx_graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort

from infer.errors import EngineUnusableError, UsageError
from infer.network.weights_file import FAST, Slim
from infer.predict.onnx_engine import GRAPHS, OnnxNetwork
from infer.process.image import in_image

if TYPE_CHECKING:
    from infer.predict.engine import Pixels

CUDA = "CUDAExecutionProvider"
# The best kernel of each convolution by cuDNN's own rules, not by trying them all; channels last, as its fast
# kernels for fp16 want them; fp32 that is fp32.
OPTIONS = {
    "device_id": "0",
    "cudnn_conv_algo_search": "HEURISTIC",
    "prefer_nhwc": "1",
    "use_tf32": "0",
    "arena_extend_strategy": "kSameAsRequested",
}
PROVIDERS = [(CUDA, OPTIONS)]
SILENT = 4  # of ONNX Runtime's severities: what fails is raised, or seen by the provider in use


class OrtCudaEngine:
    """precision: "fp16" or "fp32".

    Raises UsageError for weights of another network and where onnxruntime-gpu is not installed,
    EngineUnusableError for another architecture, and whatever ONNX Runtime raises where CUDA fails.
    """

    name, device, prepares_shapes = "ort-cuda", "cuda", False

    def __init__(self, slim: Slim, precision: str = "fp16") -> None:
        if slim.architecture != FAST:
            raise EngineUnusableError(f"it runs {FAST}, and the weights are of {slim.architecture}")
        if CUDA not in ort.get_available_providers():
            raise UsageError(f"the engine ort-cuda needs onnxruntime-gpu, which is not there: {_remedy()}")
        self._slim, self.precision = slim, precision
        load_cuda()
        options = ort.SessionOptions()
        options.log_severity_level = SILENT
        options.intra_op_num_threads = 1  # what is left to the CPU is arithmetic with shapes
        self._network = OnnxNetwork(slim, GRAPHS[precision], options, PROVIDERS)
        if self._network.provider != CUDA:  # it goes on without one whose libraries it cannot load
            raise EngineUnusableError("it cannot load CUDA's or cuDNN's libraries")

    def forward(self, windows: Sequence[Pixels]) -> np.ndarray:
        """Turn B tiles uint8 [h, w, 3] into masks uint8 [B, h, w], 0 and 255; raises NotFiniteError."""
        return self._network.forward(windows)

    def more_precise(self) -> OrtCudaEngine | None:
        """Return the same network on the same GPU in fp32; None where this one computes in that."""
        return None if self.precision == "fp32" else OrtCudaEngine(self._slim, "fp32")

    def peak_gpu_bytes(self) -> None:
        """Return None: ONNX Runtime does not tell."""

    def release(self) -> None:
        """Do nothing: what it holds is its own, and a smaller batch can use it."""


def load_cuda() -> None:
    """Load CUDA and cuDNN from NVIDIA's wheels, which lie on no path of the loader."""
    ort.set_default_logger_severity(SILENT)
    with redirect_stdout(StringIO()):  # it prints what it does not find; the session's error says it too
        ort.preload_dlls(msvc=False)


def _remedy() -> str:
    if in_image():
        return "build the image with --target ort-cuda"
    return "install requirements-ort-cuda.lock in place of onnxruntime"
