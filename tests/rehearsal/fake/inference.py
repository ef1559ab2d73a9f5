"""A program: what the job's networks ask of a GPU, as JSON on standard output. To be run without one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from infer.network.light_lite3 import LightLite3
from infer.network.torch_model import Model
from infer.network.unet_lite3 import UNetLite3
from infer.predict.predictor import Predictor
from infer.predict.torch_engine import TorchEngine
from infer.settings import Settings
from tests.rehearsal.fake.fake_cuda import FakeStream, fake_cuda
from tests.rehearsal.fake.recorder import Facts, Recorder

NETWORKS = {"unet": UNetLite3, "light": LightLite3}
TILE, OVERLAP = Settings.tile, Settings.overlap
BATCHES = ((1, 16, 16), (1, TILE, TILE), (2, TILE, TILE))  # tiles, height, width
SCENES = ((1, 1), (97, 131), (512, 512), (TILE, 2 * TILE - OVERLAP))  # the last one is two tiles
SOURCES: dict[str, Callable[[int, int], Any]] = {
    "cpu": lambda height, width: np.zeros((height, width, 3), np.uint8),
    "gpu": lambda height, width: torch.empty(height, width, 3, dtype=torch.uint8, device="cuda"),
}


def main() -> None:
    with fake_cuda():
        json.dump(
            {
                "starts": [facts for name in NETWORKS for facts in starts(name)],
                "forwards": [facts for name in NETWORKS for facts in forwards(name)],
                "scenes": list(scenes()),
            },
            sys.stdout,
        )


def engines(name: str) -> tuple[Model, TorchEngine, TorchEngine]:
    """A network with first weights: their values make no difference here."""
    network: nn.Module = NETWORKS[name]().eval().requires_grad_(False)
    model = Model(network, (127.5,) * 3, (31.875,) * 3, sha256="")
    usual = TorchEngine(model, "cuda")
    precise = usual.more_precise()
    assert precise is not None
    return model, usual, precise


def starts(name: str) -> Iterator[dict[str, Any]]:
    """Where the parameters lie, and as what."""
    model, *both = engines(name)
    for engine in both:
        weights = engine._network.state_dict()
        yield {
            "network": name,
            "precision": engine.precision,
            "parameters": {key: _plain(value) for key, value in weights.items()},
            "strided": [key for key, value in weights.items() if value.dim() == 4 and not _last(value)],
            "normalisation": [_plain(engine._mean), _plain(engine._std)],
            "original": sorted({_plain(value) for value in model.network.state_dict().values()}),
        }


def forwards(name: str) -> Iterator[dict[str, Any]]:
    """One forward pass each."""
    for source, make in SOURCES.items():
        for engine in engines(name)[1:]:  # new ones: what they have seen, small batches are filled up to
            for batch in BATCHES:
                windows = [make(*batch[1:]) for _ in range(batch[0])]
                FakeStream.waits = 0
                with Recorder() as recorder:
                    masks = engine.forward(windows)
                facts = {"network": name, "precision": engine.precision, "source": source, "batch": batch}
                yield {**facts, "masks": [str(masks.dtype), *masks.shape], **_asked(recorder)}


def scenes() -> Iterator[dict[str, Any]]:
    """Whole scenes through the predictor, which pads and cuts them."""
    engine = engines("unet")[1]
    predictor = Predictor(engine, Settings(), print, on_cpu=lambda: sys.exit("no room on a fake GPU"))
    for source, make in SOURCES.items():
        for size in SCENES:
            FakeStream.waits = 0
            with Recorder() as recorder:
                masks = predictor.predict([make(*size), make(*size)])
            facts = {"source": source, "size": size, "masks": [mask.shape for mask in masks]}
            yield {**facts, **_asked(recorder)}


def _asked(recorder: Recorder) -> dict[str, Any]:
    copies = [op for op in recorder.ops if op.is_copy]
    floats = [op for op in recorder.ops if any(f.dtype.is_floating_point and f.on_gpu for f in op.tensors)]
    return {
        "works": sum(op.is_work for op in recorder.ops),
        "types": sorted({_name(f) for op in floats for f in op.tensors if f.on_gpu and f.shape}),
        "single": [str(op) for op in floats if any(_is_single_float32(f) for f in op.outputs)],
        "strided": [str(op) for op in floats if any(_is_strided(f) for f in op.tensors)],
        "mixed": [str(op) for op in recorder.ops if op.crosses],
        "to_host": [f"{op.outputs[0]}" for op in copies if op.inputs[-1].on_gpu],
        "waits": FakeStream.waits + sum(op.waits for op in copies if op.inputs[-1].on_gpu),
        "to_gpu": [f"{op.outputs[0]}" for op in copies if op.outputs[0].on_gpu],
        "reads": recorder.reads,
        "devices": sorted({f.device for op in recorder.ops for f in op.tensors if f.on_gpu}),
        "peak": recorder.peak,
        "at_peak": recorder.at_peak,
        "left": recorder.live,
    }


def _is_single_float32(facts: Facts) -> bool:
    return facts.on_gpu and not facts.shape and facts.dtype == torch.float32


def _is_strided(facts: Facts) -> bool:
    return (
        facts.on_gpu and len(facts.shape) == 4 and facts.dtype.is_floating_point and not facts.channels_last
    )


def _last(tensor: torch.Tensor) -> bool:
    return Facts.of(tensor).channels_last


def _name(facts: Facts) -> str:
    return str(facts.dtype).removeprefix("torch.")


def _plain(tensor: torch.Tensor) -> str:
    facts = Facts.of(tensor)
    return f"{_name(facts)} {facts.device}"


if __name__ == "__main__":
    main()
