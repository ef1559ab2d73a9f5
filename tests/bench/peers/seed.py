"""The design of the 2021 second place, written anew.

smp's network, eager, AMP on a GPU and fp32 on a CPU; scenes grouped by shape in a defaultdict, sizes read
by a full decode; DALI decodes; argmax comes to the CPU as int64; Pillow writes PNGs from four threads.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from nvidia.dali import fn, types
from nvidia.dali.data_node import DataNode
from nvidia.dali.pipeline import pipeline_def
from nvidia.dali.plugin.pytorch import DALIGenericIterator
from PIL import Image

from tests.bench.peers.common import MEAN, PIXELS_AT_ONCE, STD, load_smp, run, tiffs

Image.MAX_IMAGE_PIXELS = None


@pipeline_def
def reading(files: list[str], device: str) -> tuple[DataNode, DataNode]:
    encoded, labels = fn.readers.file(files=files, labels=list(range(len(files))))
    images = fn.decoders.image(encoded, device="mixed" if device == "cuda" else "cpu", output_type=types.RGB)
    images = fn.crop_mirror_normalize(images, mean=[MEAN] * 3, std=[STD] * 3, output_layout="CHW")
    return images, labels


def work(scenes: Path, masks: Path, models: Path) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = load_smp(models).to(device)
    groups: dict[tuple[int, int], list[Path]] = defaultdict(list)
    for path in tiffs(scenes):
        groups[np.array(Image.open(path)).shape[:2]].append(path)
    writers = ThreadPoolExecutor(4)
    for (height, width), paths in groups.items():
        batch = max(1, PIXELS_AT_ONCE // (height * width))
        pipeline = reading(
            [str(p) for p in paths],
            device,
            batch_size=batch,
            num_threads=4,
            device_id=0 if device == "cuda" else None,
        )
        pipeline.build()
        for (data,) in DALIGenericIterator([pipeline], ["image", "index"], size=len(paths), auto_reset=False):
            with torch.no_grad(), torch.autocast(device, torch.float16, enabled=device == "cuda"):
                images = torch.nn.functional.pad(data["image"], (0, -width % 16, 0, -height % 16))
                found = network(images).argmax(1).cpu().numpy()  # int64
            for index, mask in zip(data["index"].flatten().tolist(), found, strict=False):
                pixels = (mask[:height, :width] * 255).astype(np.uint8)
                writers.submit(Image.fromarray(pixels).save, masks / f"{paths[index].stem}.png")
    writers.shutdown()


if __name__ == "__main__":
    run(work)
