"""OpenVINO on the exported network, OpenCV for reading and writing; the fourth argument is its hint.

LATENCY runs one request on all cores, THROUGHPUT several side by side, each on its own; the precision is left
to the plugin, which takes bf16 where the processor is fast at it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import openvino as ov

from tests.bench.peers.common import run
from tests.bench.peers.opencv_io import predict_all


def work(scenes: Path, masks: Path, models: Path) -> None:
    hint = sys.argv[4] if len(sys.argv) > 4 else "LATENCY"
    compiled = ov.Core().compile_model(models / "network.xml", "CPU", {"PERFORMANCE_HINT": hint})

    def at_once(images: np.ndarray) -> np.ndarray:
        found: np.ndarray = compiled({"images": images})[0]
        return found

    def side_by_side(images: np.ndarray) -> np.ndarray:
        found = np.empty(images.shape[:3], np.uint8)
        queue = ov.AsyncInferQueue(compiled)
        queue.set_callback(
            lambda request, index: found.__setitem__(index, request.get_output_tensor().data[0])
        )
        for index in range(len(images)):
            queue.start_async({"images": images[index : index + 1]}, index)
        queue.wait_all()
        return found

    predict_all(scenes, masks, side_by_side if hint == "THROUGHPUT" else at_once)


if __name__ == "__main__":
    run(work)
