"""What is timed: folders of drawn scenes, the same for every contestant.

one    a single 512 x 512 scene: the cold start
split  the 20 embedded scenes
many   200 scenes in the challenge's proportions
big    one scene of 10,000 x 10,000
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from tests.support import REPO
from train_offline.folder import pairs_in, read_scene
from train_offline.scenery.batch import Order, write_orders
from train_offline.synthesize import embedded_split

SCENARIOS = ("one", "split", "many", "big")
MANY = ((512, 188), (1024, 9), (2048, 3))  # side in pixels, scenes
BIG = 10_000  # pixels
SEED = 990_000


def make(name: str, work: Path) -> Path:
    """The data folder (image/, gt/) of a scenario in `work`, drawn unless it is there."""
    if name == "split":
        return embedded_split(REPO / "data" / "embedded")
    folder = work / name
    if not (folder / "val.csv").is_file():
        {"one": _one, "many": _many, "big": _big}[name](folder)
    return folder


def _one(folder: Path) -> None:
    write_orders(folder, [Order("one", SEED, 512, True)], "val.csv", 1)


def _many(folder: Path) -> None:
    """One scene in four with ice, as in the challenge."""
    orders = [
        Order(f"m{size}_{i:03d}", SEED + 1000 * size + i, size, i % 4 == 0)
        for size, count in MANY
        for i in range(count)
    ]
    write_orders(folder, orders, "val.csv", None)


def _big(folder: Path) -> None:
    """The largest embedded scene with ice, mirrored until it is large enough; its mask likewise."""
    split = embedded_split(REPO / "data" / "embedded")
    source = read_scene(next(pair for pair in pairs_in(split) if pair.name == "e2048_00"))
    for part in ("image", "gt"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    image, label = (
        np.pad(a, [(0, BIG - 2048)] * 2 + [(0, 0)] * (a.ndim - 2), "symmetric")
        for a in (source.image, source.label)
    )
    form = {"compression": "lzw", "predictor": True, "rowsperstrip": 5, "metadata": None}
    tifffile.imwrite(folder / "image" / "big.tif", image, photometric="rgb", **form)
    Image.fromarray(label * np.uint8(255)).save(folder / "gt" / "big.png")
    (folder / "val.csv").write_text("image,label\nimage/big.tif,gt/big.png\n")
