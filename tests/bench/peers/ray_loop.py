"""What people write on Ray: ray.data over files, smp in an actor, bf16, rasterio to read and write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import ray
import ray.data
import torch

from tests.bench.peers.common import MEAN, STD, load_smp, padded, run, tiffs

BATCH = 8


class SmpActor:
    """Reads, predicts and writes batches of scenes of one size."""

    def __init__(self, masks: Path, models: Path) -> None:
        self._masks = masks
        self._network = load_smp(models)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        images, profiles = zip(*map(_read, batch["item"]), strict=True)
        pixels = (torch.from_numpy(np.stack(images)).float() - MEAN) / STD
        height, width = pixels.shape[2:]
        pixels = torch.nn.functional.pad(pixels, (0, padded(width) - width, 0, padded(height) - height))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            found = self._network(pixels).argmax(1).to(torch.uint8).numpy() * np.uint8(255)
        for mask, profile, name in zip(found, profiles, batch["item"], strict=True):
            form = {**profile, "count": 1, "nodata": 254, "compress": "deflate", "photometric": None}
            with rasterio.open(self._masks / Path(name).name, "w", **form) as file:
                file.write(mask[:height, :width], 1)
        return batch


def _read(path: str) -> tuple[np.ndarray, dict[str, Any]]:
    with rasterio.open(path) as file:
        return file.read(), file.profile


def work(scenes: Path, masks: Path, models: Path) -> None:
    actor: Any = SmpActor
    files = ray.data.from_items([str(path) for path in tiffs(scenes)])
    cpus = ray.cluster_resources()["CPU"]
    pool = ray.data.ActorPoolStrategy(size=1)
    made = files.map_batches(
        actor, batch_size=BATCH, fn_constructor_args=[masks, models], compute=pool, num_cpus=cpus
    )
    made.materialize()


if __name__ == "__main__":
    ray.init(
        include_dashboard=False, runtime_env={"env_vars": {"PYTHONPATH": str(Path(__file__).parents[3])}}
    )
    run(work)
