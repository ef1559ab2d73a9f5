"""MONAI's SlidingWindowInferer, roi 512, overlap 0.25, as its tutorials use it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from monai.inferers import SlidingWindowInferer
from PIL import Image

from tests.bench.peers.common import MEAN, STD, load_smp, run, tiffs

Image.MAX_IMAGE_PIXELS = None


def work(scenes: Path, masks: Path, models: Path) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = load_smp(models).to(device)
    infer = SlidingWindowInferer(
        roi_size=(512, 512), sw_batch_size=4, overlap=0.25, mode="gaussian", device="cpu"
    )
    for path in tiffs(scenes):
        image = np.asarray(Image.open(path).convert("RGB"))
        pixels = (torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() - MEAN) / STD
        with torch.inference_mode(), torch.autocast(device, torch.float16, enabled=device == "cuda"):
            logits = infer(pixels.to(device) if device == "cuda" else pixels, network)
        mask = logits.argmax(1)[0].to(torch.uint8).numpy() * np.uint8(255)
        Image.fromarray(mask).save(masks / f"{path.stem}.png")


if __name__ == "__main__":
    run(work)
