"""The techniques of the ladder, each as the change that takes it out or puts it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rung:
    """kept: the job does it by default, and the change takes it out; else the change puts it in.

    patches: lines of Python by the module at whose end they are executed. arguments, environment: of the
    changed run; {empty} in a variable stands for an empty folder.
    """

    name: str
    scenario: str
    kept: bool
    patches: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


TORCH = {"infer.predict.choose": "FAST = None"}
TORCH_IN_BF16 = {
    "infer.predict.choose": "FAST = None",
    "infer.predict.torch_engine": "DTYPES['bf16'] = torch.bfloat16; _precision = lambda device: 'bf16'",
}
ONNX_RUNTIME = {"infer.predict.choose": "WORTH_BF16 = float('inf')"}
OPENVINO_ALWAYS = {"infer.predict.choose": "WORTH_BF16 = 0"}
OPENVINO_IN_FP32 = {"infer.predict.openvino_engine": "HINTS['bf16'] = 'f32'"}
# The same graph without its marks.
BF16_THROUGHOUT = {
    "infer.predict.openvino_engine": """
import tempfile
_folder = tempfile.TemporaryDirectory()
_draft = Path(_folder.name, GRAPH.name)
_draft.write_text(GRAPH.read_text().replace('<attribute name="precise" version="0" />', ""))
_draft.with_suffix(".bin").write_bytes(GRAPH.with_suffix(".bin").read_bytes())
GRAPH = _draft
"""
}
DALI = {"infer.read.decoder": "DALI_ON_CPU = True"}
# Everything is decoded when the network asks for the first scene, not beside it.
ONE_AFTER_THE_OTHER = {
    "infer.read.reader": """
from types import SimpleNamespace
class _Later(threading.Thread):
    def start(self): pass
    def join(self): pass
def _decode_then_iterate(self, iterate=Reader.__iter__):
    self._thread.run()
    return iterate(self)
Reader.__iter__ = _decode_then_iterate
threading = SimpleNamespace(Thread=_Later, Event=threading.Event)
READ_AHEAD = dict.fromkeys(READ_AHEAD, 2**62)
"""
}
WRITTEN_AT_ONCE = {
    "infer.write.mask_writer": """
def _put(self, *arguments, original=MaskWriter.put, **named):
    future = original(self, *arguments, **named)
    try:
        future.result()
    except OSError:
        pass
    return future
MaskWriter.put = _put
"""
}
NO_CHILD = {"infer.process.supervisor": "supervise = lambda work, smaller_tile: work(Order())"}
DEFAULT_PNG = {"infer.write.form": "PNG_OPTIONS = ()"}
NO_SPINNING = {
    "infer.predict.onnx_engine": """
from types import SimpleNamespace
class _Options(ort.SessionOptions):
    def __init__(self):
        super().__init__()
        self.add_session_config_entry("session.intra_op.allow_spinning", "0")
ort = SimpleNamespace(
    SessionOptions=_Options, InferenceSession=ort.InferenceSession, OrtValue=ort.OrtValue
)
"""
}
NO_BYTE_CODE = {"PYTHONPYCACHEPREFIX": "{empty}", "PYTHONDONTWRITEBYTECODE": "1"}
TILES = ("--tile", "512", "--overlap", "128")

RUNGS = (
    Rung("ONNX Runtime in place of torch for small jobs", "one", True, TORCH),
    Rung("libtiff in place of DALI on a CPU", "one", True, DALI),
    Rung("byte-code made beforehand", "one", True, environment=NO_BYTE_CODE),
    Rung("decoding beside the network and its start", "one", True, ONE_AFTER_THE_OTHER),
    Rung("decoding beside the network and its start", "split", True, ONE_AFTER_THE_OTHER),
    Rung("OpenVINO in bf16 but for the first layers, in place of ONNX Runtime", "split", True, ONNX_RUNTIME),
    Rung("bf16 but for the first layers, in place of fp32", "split", True, OPENVINO_IN_FP32),
    Rung("OpenVINO in bf16, in place of torch in fp32", "split", True, TORCH),
    Rung("libtiff in place of DALI on a CPU", "split", True, DALI),
    Rung("scenes up to 2048 as a whole, not tiles of 512", "split", True, arguments=TILES),
    Rung("run-length PNG", "split", True, DEFAULT_PNG),
    Rung("writing in threads", "split", True, WRITTEN_AT_ONCE),
    Rung("OpenMP's threads sleep while they wait", "split", True, environment={"OMP_WAIT_POLICY": "active"}),
    Rung("no child process, so that a crash ends the run", "one", False, NO_CHILD),
    Rung("ONNX Runtime's threads sleep while they wait", "one", False, NO_SPINNING),
    Rung("OpenVINO for a single scene too", "one", False, OPENVINO_ALWAYS),
    Rung("bf16 in the first layers too", "split", False, BF16_THROUGHOUT),
    Rung("torch in bf16", "split", False, TORCH_IN_BF16),
    Rung("batches of 8 scenes on a CPU", "split", False, arguments=("--batch", "8")),
    Rung("tiles of 512 without overlap", "split", False, arguments=("--tile", "512", "--overlap", "0")),
)
