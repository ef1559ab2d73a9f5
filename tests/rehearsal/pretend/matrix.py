"""The rows of the fault matrix: what goes wrong with a GPU, and how the job ends nevertheless."""

from __future__ import annotations

from dataclasses import dataclass

from infer.settings import ORT_CUDA, TORCH
from tests.rehearsal.pretend.cuda import PRETEND

ENGINE, ORT, GPU, DALI, DECODER = (
    "infer.predict.torch_engine", "infer.predict.ort_cuda_engine", "infer.predict.gpu", "infer.read.dali",
    "infer.read.decoder",
)  # fmt: skip
FAULTS = "import signal; from tests.rehearsal.pretend.cuda_faults import *; "
TO_CPU = "going on with the CPU"
ON_CPU = "running on the CPU"


@dataclass(frozen=True)
class Row:
    """name: of the row. module, lines: executed there. says: on stderr. device: of the report at the end.

    precision: likewise, "" for any. wanted: --device. black: scenes that get no mask of their own.
    engine: --engine. by: what a GPU ends with, "" for that one.
    """

    name: str
    module: str
    lines: str
    says: str = ""
    device: str = "cuda"
    precision: str = ""
    wanted: str = "cuda"
    black: tuple[str, ...] = ()
    engine: str = TORCH
    by: str = ""

    @property
    def patches(self) -> dict[str, str]:
        """What PATCHED_JOB executes."""
        patches = {name: lines.replace("; ", "\n").replace(";", "\n") for name, lines in PRETEND.items()}
        patches[GPU] += "\nWORTH_GPU = 0"
        patches[self.module] = patches.get(self.module, "") + "\n" + self.lines
        return patches


def on_cpu(name: str, module: str, lines: str, says: str = ON_CPU) -> Row:
    """A GPU that cannot be used from the start."""
    return Row(name, module, lines, says, "cpu", wanted="auto")


def left(name: str, module: str, lines: str) -> Row:
    """A GPU that fails on the way."""
    return Row(name, module, lines, TO_CPU, "cpu")


def lost(call: int, error: str = "RuntimeError(LOST)") -> str:
    """Lines of a GPU that fails from this call on."""
    return f"{FAULTS}failing({call}, {error})"


def by_ort(name: str, lines: str = "", says: str = "", device: str = "cuda", **fields: str) -> Row:
    """ONNX Runtime in place of torch; KIND is its engine."""
    lines = FAULTS + lines.replace("KIND", "OrtCudaEngine")
    return Row(f"onnxruntime: {name}", ORT, lines, says, device, engine=ORT_CUDA, **fields)


ROWS = [
    Row("no memory for several tiles", ENGINE, FAULTS + "no_memory(lambda n, side: n == 1)", "out of memory"),
    Row(
        "no memory for large tiles",
        ENGINE,
        FAULTS + "no_memory(lambda n, side: n == 1 and side <= 256)",
        "out of memory",
    ),
    Row(
        "no memory but for the warm-up",
        ENGINE,
        FAULTS + "no_memory(lambda n, side: side == 16)",
        "with the CPU",
        "cpu",
    ),
    on_cpu("no memory at all", ENGINE, FAULTS + "no_memory(lambda n, side: False)"),
    left(
        "no memory, and its release fails",
        ENGINE,
        FAULTS + "no_memory(lambda n, side: n == 1, 2)\n"
        "def release(self): raise RuntimeError(LOST)\nTorchEngine.release = release",
    ),
    on_cpu("lost at the start", ENGINE, lost(1)),
    left("lost at the first batch", ENGINE, lost(2)),
    left("lost at the second batch", ENGINE, lost(3)),
    Row("lost at the third batch", ENGINE, lost(4), TO_CPU, "cpu", wanted="auto"),
    Row(
        "no memory for two batches in flight",
        ENGINE,
        FAULTS + "no_memory_in_flight()",
        "one batch at a time",
        precision="fp16",
    ),
    left("lost while it is waited for", ENGINE, f"{FAULTS}failing_later(3, RuntimeError(LOST))"),
    left("lost with torch's own error", ENGINE, lost(3, "torch.AcceleratorError(LOST)")),
    left("cuDNN fails", ENGINE, lost(3, "RuntimeError('cuDNN error: CUDNN_STATUS_EXECUTION_FAILED')")),
    left("cuBLAS fails", ENGINE, lost(2, "RuntimeError('CUDA error: CUBLAS_STATUS_INTERNAL_ERROR')")),
    on_cpu(
        "no kernel for this GPU", ENGINE, lost(1, "RuntimeError('CUDA error: no kernel image is available')")
    ),
    left("a library that is not there", ENGINE, lost(2, "OSError('libnvrtc-builtins.so: cannot open')")),
    left("an error nobody knows", ENGINE, lost(3, "KeyError('?')")),
    on_cpu(
        "a deferred call fails", ENGINE, FAULTS + "cannot_be_moved(torch.cuda.DeferredCudaCallError('x'))"
    ),
    Row("too little for fp16 at the start", ENGINE, FAULTS + "not_finite(1, 'fp16')", precision="fp32"),
    Row("too little for fp16 later", ENGINE, FAULTS + "not_finite(2, 'fp16')", "trying fp32"),
    on_cpu("never finite at the start", ENGINE, FAULTS + "not_finite(1)"),
    Row(
        "never finite with one scene",
        ENGINE,
        FAULTS + "not_finite(2, marked=True)",
        "marked.tif",
        black=("marked.tif",),
    ),
    on_cpu("torch finds no GPU", ENGINE, "torch.cuda.is_available = lambda: False"),
    on_cpu("torch is broken", GPU, "import sys; sys.modules['torch'] = None"),
    Row(
        "the driver is broken",
        GPU,
        "open_context = lambda: 'CUDA error 999: unknown error'",
        "999",
        "cpu",
        wanted="auto",
    ),
    Row("the driver is slow", GPU, "import time; open_context = lambda: time.sleep(3)"),
    Row("DALI is not there", DALI, "def build(*_): raise ImportError('no DALI')", "going on with libtiff"),
    Row(
        "DALI cannot be built", DALI, "def build(*_): raise RuntimeError('CUDA driver is too old')", "libtiff"
    ),
    Row(
        "DALI fails each time",
        DALI,
        FAULTS + "from tests.rehearsal.pretend import cuda\n"
        "def run(self): raise RuntimeError('Critical error in pipeline')\ncuda.Pipeline.run = run",
    ),
    Row(
        "the hand-over fails",
        DALI,
        "def _tensors(output): raise RuntimeError('CUDA error: invalid argument')",
    ),
    Row(
        "no memory for the hand-over",
        DALI,
        "def _tensors(output):\n import torch\n raise torch.OutOfMemoryError('x')",
    ),
    Row(
        "the hand-over fails in both ways",
        DALI,
        "def _tensors(output): raise RuntimeError('x')\n"
        "from tests.rehearsal.pretend import cuda\n"
        "def as_cpu(self): raise RuntimeError('y')\ncuda.OnGpu.as_cpu = as_cpu",
    ),
    Row(
        "DALI gives another picture",
        DALI,
        "def _tensors(output):\n import torch\n"
        " return [torch.zeros(8, 8, 3, dtype=torch.uint8)] * len(output)",
    ),
    left("segmentation fault at the start", ENGINE, FAULTS + "killed(1, signal.SIGSEGV)"),
    left("segmentation fault later", ENGINE, FAULTS + "killed(3, signal.SIGSEGV)"),
    left("abort in the driver", ENGINE, FAULTS + "killed(2, signal.SIGABRT)"),
    left("killed for its memory", ENGINE, FAULTS + "killed(3, signal.SIGKILL)"),
    left(
        "DALI dies",
        DALI,
        "import signal\ndef _tensors(output):\n"
        " from tests.rehearsal.pretend.cuda_faults import die\n die(signal.SIGSEGV)",
    ),
    by_ort("no fault", precision="fp16"),
    by_ort(
        "no memory for several tiles",
        "no_memory(lambda n, side: n == 1, 2, KIND, Exception('Failed to allocate memory'))",
        "half as many tiles",
    ),
    by_ort("too little for fp16 at the start", "not_finite(1, 'fp16', kind=KIND)", precision="fp32"),
    by_ort("too little for fp16 later", "not_finite(2, 'fp16', kind=KIND)", "trying fp32"),
    by_ort("no kernel for this GPU", "spoil_forward(lambda *_: 1 / 0, KIND)", "with torch", by=TORCH),
    by_ort(
        "its libraries are not there",
        "CUDA = 'CUDAExecutionProvider'; ort.get_available_providers = lambda: [CUDA]",
        "with torch",
        by=TORCH,
    ),
    by_ort("lost at the second batch", "failing(3, Exception('CUDA failure 700'), KIND)", TO_CPU, "cpu"),
    by_ort("segmentation fault later", "killed(3, signal.SIGSEGV, KIND)", TO_CPU, "cpu"),
]
