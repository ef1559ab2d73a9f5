"""ONNX Runtime on the exported network, OpenCV for reading and writing; large scenes in tiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort

from tests.bench.peers.common import run
from tests.bench.peers.opencv_io import predict_all


def work(scenes: Path, masks: Path, models: Path) -> None:
    wanted = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    providers = [name for name in wanted if name in ort.get_available_providers()]
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = ort.InferenceSession(str(models / "network.onnx"), options, providers=providers)

    def predict(images: np.ndarray) -> np.ndarray:
        found: np.ndarray = session.run(None, {"images": images})[0]
        return found

    predict_all(scenes, masks, predict)


if __name__ == "__main__":
    run(work)
