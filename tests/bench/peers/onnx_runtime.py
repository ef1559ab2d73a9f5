"""ONNX Runtime on the exported network, OpenCV for reading and writing; large scenes in tiles.

On a GPU where the installed package can use one (onnxruntime-gpu).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort

from tests.bench.peers.common import run
from tests.bench.peers.opencv_io import predict_all

CUDA = "CUDAExecutionProvider"
WANTED = (CUDA, "CPUExecutionProvider")


def work(scenes: Path, masks: Path, models: Path) -> None:
    providers = [name for name in WANTED if name in ort.get_available_providers()]
    if providers[0] == CUDA and hasattr(ort, "preload_dlls"):
        ort.preload_dlls()  # CUDA and cuDNN of NVIDIA's wheels, which lie on no path of the loader
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = ort.InferenceSession(str(models / "network.onnx"), options, providers=providers)
    if session.get_providers()[0] != providers[0]:  # it would go on with the CPU, and only log that
        sys.exit(f"ONNX Runtime has {providers[0]} and cannot use it")

    def predict(images: np.ndarray) -> np.ndarray:
        found: np.ndarray = session.run(None, {"images": images})[0]
        return found

    predict_all(scenes, masks, predict)


if __name__ == "__main__":
    run(work)
