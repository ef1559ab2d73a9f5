"""What is timed: folders of drawn scenes, the same for every contestant.

one    a single 512 x 512 scene: the cold start
split  the 20 embedded scenes
many   200 scenes in the challenge's proportions
equal  200 scenes of 512 x 512, and
sizes  200 of as many pixels and of 200 sizes, none of which is another's when padded
thousand  1,000 scenes of 512 x 512
big    one scene of 10,000 x 10,000
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.helpers.support import REPO, write_tiff
from train_offline.data.folder import LabelledScene, pairs_in, read_labelled
from train_offline.scenery.batch import SceneOrder, write_orders
from train_offline.scenery.embedded import embedded_split

SCENARIOS = ("one", "split", "many", "equal", "sizes", "thousand", "big")
MANY = ((512, 188), (1024, 9), (2048, 3))  # side in pixels, scenes
CUTTINGS = 200
BIG = 10_000  # pixels
SEED = 990_000


def make(name: str, work: Path) -> Path:
    """The data folder (image/, gt/) of a scenario in `work`, drawn unless it is there."""
    if name == "split":
        return embedded_split(REPO / "data" / "embedded")
    folder = work / name
    if not (folder / "val.csv").is_file():
        MAKERS[name](folder)
    return folder


def _one(folder: Path) -> None:
    write_orders(folder, [SceneOrder("one", SEED, 512, True)], "val.csv", 1)


def _many(folder: Path) -> None:
    """One scene in four with ice, as in the challenge."""
    orders = [
        SceneOrder(f"m{size}_{i:03d}", SEED + 1000 * size + i, size, i % 4 == 0)
        for size, count in MANY
        for i in range(count)
    ]
    write_orders(folder, orders, "val.csv", None)


def _equal(folder: Path) -> None:
    _cut(folder, [(512, 512)] * CUTTINGS)


def _thousand(folder: Path) -> None:
    _cut(folder, [(512, 512)] * 1000)


def _sizes(folder: Path) -> None:
    """Sides just below multiples of 16, so that every scene is padded, and each to a shape of its own."""
    units = {(a, round(1024 / a) + step) for a in range(16, 65) for step in range(-2, 3)}
    chosen = sorted(units, key=lambda pair: (abs(pair[0] * pair[1] - 1024), pair))[:CUTTINGS]
    _cut(folder, [(16 * a - 5, 16 * b - 3) for a, b in chosen])


def _cut(folder: Path, shapes: list[tuple[int, int]]) -> None:
    """Windows of the largest embedded scene with ice and of its mask."""
    source, generator = _largest(), np.random.default_rng(SEED)
    for number, (height, width) in enumerate(shapes):
        row, column = (int(generator.integers(0, 2048 - side)) for side in (height, width))
        window = slice(row, row + height), slice(column, column + width)
        _save(folder, f"c{number:03d}", source.image[window], source.label[window])
    _list(folder, [f"c{number:03d}" for number in range(len(shapes))])


def _big(folder: Path) -> None:
    """The largest embedded scene with ice, mirrored until it is large enough; its mask likewise."""
    source = _largest()
    image, label = (
        np.pad(a, [(0, BIG - 2048)] * 2 + [(0, 0)] * (a.ndim - 2), "symmetric")
        for a in (source.image, source.label)
    )
    _save(folder, "big", image, label)
    _list(folder, ["big"])


def _largest() -> LabelledScene:
    split = embedded_split(REPO / "data" / "embedded")
    return read_labelled(next(pair for pair in pairs_in(split) if pair.name == "e2048_00"))


def _save(folder: Path, name: str, image: np.ndarray, label: np.ndarray) -> None:
    for part in ("image", "gt"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    write_tiff(folder / "image" / f"{name}.tif", image)
    Image.fromarray(label * np.uint8(255)).save(folder / "gt" / f"{name}.png")


def _list(folder: Path, names: list[str]) -> None:
    rows = "".join(f"image/{name}.tif,gt/{name}.png\n" for name in names)
    (folder / "val.csv").write_text(f"image,label\n{rows}")


MAKERS: dict[str, Callable[[Path], None]] = {
    "one": _one, "many": _many, "equal": _equal, "sizes": _sizes, "thousand": _thousand, "big": _big,
}  # fmt: skip
