"""Which engine runs: on a GPU torch or the one asked for; on a CPU OpenVINO, ONNX Runtime or torch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from infer.errors import EngineUnusableError, NotFiniteError, UsageError
from infer.network.architecture import STRIDE
from infer.network.weights_file import FAST, Slim
from infer.predict.engine import Engine
from infer.predict.gpu import FAILS_AT_ONCE, GpuContext, unusable
from infer.predict.hardware import cpu_is_fast_at_bf16
from infer.predict.out_of_memory import is_out_of_memory
from infer.process.text import in_short
from infer.settings import ORT_CUDA

BROKEN_PACKAGE = (ImportError, OSError)  # how a library says that is missing, or lacks another one
MAX_CAUSE = 600  # characters: ONNX Runtime begins with the places in its source
WORTH_BF16 = 2_000_000  # pixels of a job from which on bf16's pace outweighs OpenVINO's longer start


class GpuWish(NamedTuple):
    """context: of the GPU, which is being opened. engine: of settings.ENGINES. required: a CPU will not do.

    first: tiles, height and width in pixels of the job's first forward pass.
    """

    context: GpuContext
    engine: str
    required: bool
    first: tuple[int, int, int]


def import_engine(slim: Slim, wish: GpuWish | None, pixels: int) -> None:
    """Import what start_engine will need, so that this can be timed by itself."""
    if wish and not wish.context.fault(FAILS_AT_ONCE):
        with suppress(*BROKEN_PACKAGE):  # start_engine meets it again
            if wish.engine == ORT_CUDA:
                import infer.predict.ort_cuda_engine
            else:
                import infer.predict.torch_engine
    elif slim.architecture != FAST:
        import infer.predict.torch_engine
    elif _worth_bf16(pixels):
        with suppress(ImportError):
            import infer.predict.openvino_engine
    else:
        import infer.predict.onnx_engine  # noqa: F401


def start_engine(slim: Slim, wish: GpuWish | None, pixels: int, say: Callable[[str], None]) -> Engine:
    """Start the engine for a job of so many pixels, on the GPU where there is one and it works.

    Raises UsageError for a GPU that is required and cannot be used, and for weights that do not fit.
    """
    if wish:
        fault = wish.context.fault()
        if fault is None:
            engine, fault = _start_on_gpu(slim, wish, say)
            if engine is not None:
                return engine
        if wish.required:
            raise unusable(fault)
        say(f"infer: running on the CPU, the GPU cannot be used: {fault}")
    return start_on_cpu(slim, pixels, say)


def _start_on_gpu(slim: Slim, wish: GpuWish, say: Callable[[str], None]) -> tuple[Engine | None, str]:
    if wish.engine == ORT_CUDA:
        engine, fault = started(lambda: _by_ort(slim), wish.first)
        if engine is not None:
            return engine, ""
        say(f"infer: ONNX Runtime cannot use the GPU: {fault}: going on with torch")
    return started(lambda: _by_torch(slim), wish.first)


def _by_ort(slim: Slim) -> Engine:
    from infer.predict.ort_cuda_engine import OrtCudaEngine

    return OrtCudaEngine(slim)


def _by_torch(slim: Slim) -> Engine:
    try:
        from infer.predict.torch_engine import on_gpu
    except BROKEN_PACKAGE as error:
        raise EngineUnusableError(f"torch cannot be imported: {in_short(error)}") from None
    return on_gpu(slim)


def started(make: Callable[[], Engine], first: tuple[int, int, int]) -> tuple[Engine | None, str]:
    """Start an engine of a GPU and let a batch through; return it, or None and why it cannot be used.

    first: tiles, height and width in pixels. cuDNN's choices for that shape and the kernels' code, which the
    driver loads when they are first asked for, are then ready. Raises UsageError for weights that do not fit.
    """
    try:
        return _that_is_finite(make(), first), ""
    except UsageError:
        raise
    except EngineUnusableError as error:
        return None, error.reason
    except Exception as error:  # CUDA's errors are of many types
        return None, f"{type(error).__name__}: {in_short(error, MAX_CAUSE)}"


def _that_is_finite(engine: Engine, first: tuple[int, int, int]) -> Engine:
    """Return an engine that has computed: this one, or in fp32 where black pixels overflow fp16 already."""
    try:
        _warm_up(engine, first)
    except NotFiniteError:
        precise = engine.more_precise()
        if precise is None:
            raise
        _warm_up(precise, first)
        return precise
    return engine


def _warm_up(engine: Engine, first: tuple[int, int, int]) -> None:
    tiles, height, width = first
    try:
        engine.forward([np.zeros((height, width, 3), np.uint8)] * tiles)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    else:
        return
    engine.release()  # past the except clause, where the failed attempt's tensors are free
    engine.forward([np.zeros((STRIDE, STRIDE, 3), np.uint8)])  # whether it works at all; tiles shrink later


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
