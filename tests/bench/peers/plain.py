"""What most people write: smp, a DataLoader with worker processes, AMP, Pillow for reading and writing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from tests.bench.peers.common import MEAN, STD, batches, load_smp, padded, run, tiffs

Image.MAX_IMAGE_PIXELS = None


class Scenes(Dataset[tuple[torch.Tensor, list[Path]]]):
    """Batches of scenes of one size: float32 [B, 3, H, W], and their files."""

    def __init__(self, plan: list[tuple[tuple[int, int], list[Path]]]) -> None:
        self._plan = plan

    def __len__(self) -> int:
        return len(self._plan)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, list[Path]]:
        (height, width), paths = self._plan[index]
        images = np.zeros((len(paths), padded(height), padded(width), 3), np.uint8)
        for image, path in zip(images, paths, strict=True):
            image[:height, :width] = np.asarray(Image.open(path).convert("RGB"))
        return (torch.from_numpy(images).permute(0, 3, 1, 2).float() - MEAN) / STD, paths


def work(scenes: Path, masks: Path, models: Path) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = load_smp(models).to(device)
    sized = [(path, Image.open(path).size[::-1]) for path in tiffs(scenes)]
    plan = list(batches(sized))
    size_of = dict(sized)
    loader = DataLoader(Scenes(plan), batch_size=None, num_workers=min(2, os.cpu_count() or 1))
    amp = torch.float16 if device == "cuda" else torch.bfloat16
    for images, paths in loader:
        with torch.inference_mode(), torch.autocast(device, amp):
            found = network(images.to(device)).argmax(1).to(torch.uint8).cpu().numpy()
        for mask, path in zip(found, paths, strict=True):
            height, width = size_of[path]
            Image.fromarray(mask[:height, :width] * np.uint8(255)).save(masks / f"{path.stem}.png")


if __name__ == "__main__":
    run(work)
