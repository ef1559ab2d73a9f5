"""Which engine runs: torch on CUDA and for other networks, else OpenVINO or ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from infer.network.weights_file import FAST, Slim
from infer.predict.engine import Engine
from infer.predict.hardware import cpu_is_fast_at_bf16, gpu_visible
from infer.process.text import in_short

WORTH_BF16 = 2_000_000  # pixels of a job from which on bf16's pace outweighs OpenVINO's longer start


def import_engine(slim: Slim, wanted: str, pixels: int) -> None:
    """Import what start_engine will need, so that this can be timed by itself."""
    if _tries_gpu(wanted) or slim.architecture != FAST:
        import infer.predict.torch_engine
    elif _worth_bf16(pixels):
        with suppress(ImportError):
            import infer.predict.openvino_engine
    else:
        import infer.predict.onnx_engine  # noqa: F401


def start_engine(slim: Slim, wanted: str, pixels: int, say: Callable[[str], None]) -> Engine:
    """Start the engine for --device `wanted` and a job of so many pixels.

    A GPU is tried first; with "auto" one that fails is passed over.

    Raises UsageError for --device cuda without a usable GPU, and for weights that do not fit.
    """
    if _tries_gpu(wanted):
        from infer.predict.torch_engine import start_on_gpu

        engine = start_on_gpu(slim, wanted == "cuda", say)
        if engine is not None:
            return engine
    return start_on_cpu(slim, pixels, say)


def _tries_gpu(wanted: str) -> bool:
    return wanted == "cuda" or (wanted == "auto" and gpu_visible())


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
