"""A program: what a training asks of a GPU, as JSON on standard output. To be run without one.

It is one process of a training on several GPUs as far as that goes without them: what the processes send each
other, torch's DistributedDataParallel and NCCL, needs the memory that fake tensors have not got.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.accelerators import CPUAccelerator
from lightning_fabric.plugins.precision import MixedPrecision, Precision
from lightning_fabric.strategies import SingleDeviceStrategy

from tests.rehearsal.fake.fake_cuda import fake_cuda
from tests.rehearsal.fake.recorder import ATEN, Recorder
from train_offline.scoring.evaluate import predict
from train_offline.training.config.presets import PRESETS
from train_offline.training.config.settings import TrainSettings
from train_offline.training.step import Trainer

RUNS = (("gaofen2021", "fp32"), ("modern", "bf16"))  # preset and what its precision is on a GPU
DEVICE = torch.device("cuda", 1)  # the second of several: what goes to the first one is a mistake
STEPS = 2  # the first one makes the optimiser's state and begins the average
SIDE = 64


class FakeAccelerator(CPUAccelerator):
    """What Fabric would set up on a GPU."""

    def setup_device(self, device: torch.device) -> None:
        pass


def main() -> None:
    with fake_cuda():
        json.dump({"runs": [run(*one) for one in RUNS]}, sys.stdout)


def run(preset: str, precision: str) -> dict[str, Any]:
    """A few steps, and what the loop asks of the trainer between them."""
    trainer = Trainer(fabric(precision), TrainSettings.of({"run": Path(), **PRESETS[preset]}))
    images = torch.zeros(2, SIDE, SIDE, 3, dtype=torch.uint8, device=DEVICE)
    labels = torch.zeros(2, SIDE, SIDE, dtype=torch.uint8, device=DEVICE)
    steps, losses = [], []
    for _ in range(STEPS):
        with Recorder() as recorder:
            losses.append(trainer.step(images, labels, 1e-3))
        steps.append(_asked(recorder))
    with Recorder() as mean:
        trainer.mean_loss(losses)
    with Recorder() as finite:
        trainer.is_finite()
    trainer.average.module.eval()
    with Recorder() as scene:
        mask = predict(trainer.average.module, np.zeros((50, 60, 3), np.uint8), DEVICE, trainer.bf16)
    moments = [value for state in trainer.optimiser.state.values() for value in state.values() if value.dim()]
    lies = (*trainer.network.state_dict().values(), *trainer.average.module.state_dict().values(), *moments)
    return {
        "preset": preset,
        "precision": precision,
        "steps": steps,
        "mean_loss": _asked(mean),
        "is_finite": _asked(finite),
        "scene": {**_asked(scene), "mask": mask.shape},
        "lies": sorted({str(tensor.device) for tensor in lies}),
        "moments": len(moments),
        "updates": int(trainer.average.n_averaged),
    }


def fabric(precision: str) -> Fabric:
    """One process of several; Fabric would look for its GPU by itself."""
    plugin = MixedPrecision("bf16-mixed", "cuda") if precision == "bf16" else Precision()
    return Fabric(strategy=SingleDeviceStrategy(DEVICE, FakeAccelerator(), precision=plugin))


def _asked(recorder: Recorder) -> dict[str, Any]:
    copies = [op for op in recorder.ops if op.is_copy]
    convolutions = [op for op in recorder.ops if op.func is ATEN.convolution.default]
    return {
        "names": sorted({str(op.func) for op in recorder.ops}),
        "reads": recorder.reads,
        "waits": [str(op) for op in copies if op.waits],
        "to_host": [str(op.outputs[0]) for op in copies if op.inputs[-1].on_gpu],
        "mixed": [str(op) for op in recorder.ops if op.crosses],
        "devices": sorted({f.device for op in recorder.ops for f in op.tensors if f.on_gpu}),
        "types": sorted({str(f.dtype) for op in convolutions for f in op.tensors}),
        "strided": [str(op) for op in convolutions if not all(f.channels_last for f in op.tensors[:2])],
    }


if __name__ == "__main__":
    main()
