"""The masks that all contestants are compared with: smp's network in fp32 by torch on a CPU, nothing clever.

Without smp, as on a machine that has torch only, it is the job's own network, which is said.

python -m tests.bench.harness.reference DATA MODELS FOLDER
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from infer.network.torch_model import load_model
from infer.predict.tiles import crop, grid, stitch
from tests.bench.peers.common import MEAN, STD, load_smp
from train_offline.data.folder import pairs_in
from train_offline.data.pixels import read_image

TILE, OVERLAP = 2048, 512  # pixels; only scenes above TILE have any seams


@torch.inference_mode()
def make_reference(data: Path, models: Path, folder: Path) -> Path:
    """A mask for every scene of `data`, unless they are there for the same weights; returns `folder`."""
    weights, stamp = models / "weights.safetensors", folder.with_name(f"{folder.name}.weights")
    if folder.is_dir() and stamp.is_file() and stamp.read_bytes() == weights.read_bytes():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    network = _network(models)
    for pair in pairs_in(data):
        image = read_image(pair.image).pixels
        mask = np.empty(image.shape[:2], np.uint8)
        for tile in grid(len(image), image.shape[1], TILE, OVERLAP):
            pixels = torch.from_numpy(np.ascontiguousarray(crop(image, tile)))
            logits = network((pixels.permute(2, 0, 1)[None].float() - MEAN) / STD)
            stitch(mask, tile, (logits.argmax(1)[0] * 255).to(torch.uint8).numpy())
        cv2.imwrite(str(folder / f"{pair.name}.png"), mask)
    shutil.copyfile(weights, stamp)
    return folder


def _network(models: Path) -> Any:
    if (models / "smp.pt").is_file():
        return load_smp(models)
    print("reference: no smp here: by the job's own network, in fp32", file=sys.stderr)
    return load_model(models / "weights.safetensors").network.float().eval()


if __name__ == "__main__":
    make_reference(*map(Path, sys.argv[1:4]))
