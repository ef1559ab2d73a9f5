"""The techniques of the ladder that a GPU has, each as the change that takes it out or puts it in."""

from __future__ import annotations

from tests.bench.ladder.rungs import (
    DEFAULT_PNG,
    NO_CHILD,
    ONE_AFTER_THE_OTHER,
    TILES,
    WRITTEN_AT_ONCE,
    Rung,
)

ENGINE = "infer.predict.torch_engine"
IN_FP32 = {ENGINE: "_precision = lambda device: 'fp32'"}
SMALL_WARM_UP = {
    "infer.predict.choose": """
def _warm_up(engine, first):
    engine.forward([np.zeros((STRIDE, STRIDE, 3), np.uint8)])
"""
}
NOT_FILLED_UP = {ENGINE: "TorchEngine._as_planned = lambda self, pixels: pixels"}
NOT_PINNED = {
    ENGINE: """
TorchEngine._to_cpu = lambda self, masks, finite: lambda: _checked(masks.cpu(), finite)
TorchEngine._on_device = lambda self, windows: torch.stack(
    [torch.as_tensor(window).to(self.device) for window in windows]
)
"""
}
ONE_IN_FLIGHT = {"infer.predict.predictor": "Predictor._overlapping = lambda self: None"}
CUDNN_SEARCHES = {ENGINE: "torch.backends.cudnn.benchmark = True"}
LIBTIFF = {"infer.read.decoder": "torch_takes_pixels = lambda: False"}
LATE_CONTEXT = {
    "infer.predict.gpu": """
GpuContext.__init__ = lambda self: None
GpuContext.fault = lambda self, seconds=None: None
"""
}
EAGER = {"CUDA_MODULE_LOADING": "EAGER"}

GPU_RUNGS = (
    Rung("the context opened beside torch's import", "one", True, LATE_CONTEXT),
    Rung("kernels loaded when they are first asked for", "one", True, environment=EAGER),
    Rung("no child process, so that a crash ends the run", "one", False, NO_CHILD),
    Rung("decoding beside the network and its start", "split", True, ONE_AFTER_THE_OTHER),
    Rung("warm-up in the first batch's shape", "split", True, SMALL_WARM_UP),
    Rung("fp16 in place of fp32", "many", True, IN_FP32),
    Rung("DALI on the way to the GPU, in place of libtiff", "many", True, LIBTIFF),
    Rung("many scenes in a batch", "many", True, arguments=("--batch", "1")),
    Rung("a last batch filled up to a size seen before", "many", True, NOT_FILLED_UP),
    Rung("pixels and masks through pinned memory", "many", True, NOT_PINNED),
    Rung("a second batch in flight", "many", True, ONE_IN_FLIGHT),
    Rung("scenes up to 2048 as a whole, not tiles of 512", "many", True, arguments=TILES),
    Rung("run-length PNG", "many", True, DEFAULT_PNG),
    Rung("writing in threads", "many", True, WRITTEN_AT_ONCE),
    Rung("cuDNN tries its algorithms", "many", False, CUDNN_SEARCHES),
)
