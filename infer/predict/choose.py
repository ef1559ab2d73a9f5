"""Which engine runs: torch on a GPU and for other networks, else OpenVINO or ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from infer.network.weights_file import FAST, Slim
from infer.predict.engine import Engine
from infer.predict.gpu import FAILS_AT_ONCE, GpuContext, unusable
from infer.predict.hardware import cpu_is_fast_at_bf16
from infer.process.text import in_short

BROKEN_PACKAGE = (ImportError, OSError)  # how a library says that is missing, or lacks another one
WORTH_BF16 = 2_000_000  # pixels of a job from which on bf16's pace outweighs OpenVINO's longer start


def import_engine(slim: Slim, gpu: GpuContext | None, pixels: int) -> None:
    """Import what start_engine will need, so that this can be timed by itself."""
    if gpu and not gpu.fault(FAILS_AT_ONCE):
        with suppress(*BROKEN_PACKAGE):  # start_engine meets it again
            import infer.predict.torch_engine
    elif slim.architecture != FAST:
        import infer.predict.torch_engine
    elif _worth_bf16(pixels):
        with suppress(ImportError):
            import infer.predict.openvino_engine
    else:
        import infer.predict.onnx_engine  # noqa: F401


def start_engine(
    slim: Slim,
    gpu: GpuContext | None,
    required: bool,
    pixels: int,
    first: tuple[int, int, int],
    say: Callable[[str], None],
) -> Engine:
    """Start the engine for a job of so many pixels, on the GPU where there is one and it works.

    required: a CPU will not do. first: tiles, height and width in pixels of the first forward pass.
    Raises UsageError for a GPU that is required and cannot be used, and for weights that do not fit.
    """
    if gpu:
        fault = gpu.fault()
        if fault is None:
            engine, fault = _start_on_gpu(slim, first)
            if engine is not None:
                return engine
        if required:
            raise unusable(fault)
        say(f"infer: running on the CPU, the GPU cannot be used: {fault}")
    return start_on_cpu(slim, pixels, say)


def _start_on_gpu(slim: Slim, first: tuple[int, int, int]) -> tuple[Engine | None, str]:
    try:
        from infer.predict.torch_engine import start_on_gpu
    except BROKEN_PACKAGE as error:
        return None, f"torch cannot be imported: {in_short(error)}"
    return start_on_gpu(slim, first)


def _worth_bf16(pixels: int) -> bool:
    return pixels >= WORTH_BF16 and cpu_is_fast_at_bf16()


def start_on_cpu(slim: Slim, pixels: int, say: Callable[[str], None]) -> Engine:
    """Start the fastest engine on this CPU, start included; raises UsageError for weights that do not fit.

    pixels: of all scenes of the input folder, whoever makes their masks. A run that is resumed, or a scene
    that is tried again, has the engine of the whole job, and so the same masks.
    """
    if slim.architecture != FAST:
        from infer.network.torch_model import model_of
        from infer.predict.torch_engine import TorchEngine

        return TorchEngine(model_of(slim), "cpu")
    if _worth_bf16(pixels):
        try:
            from infer.predict.openvino_engine import OpenVinoEngine

            return OpenVinoEngine(slim)
        except (ImportError, RuntimeError) as error:
            reason = in_short(error)
            say(f"infer: OpenVINO cannot run here ({reason}): going on with ONNX Runtime")
        except ValueError:
            pass  # ONNX Runtime says the same of these weights, in a better way
    from infer.predict.onnx_engine import OnnxEngine

    return OnnxEngine(slim)
