"""The figures of the model card.

python -m tests.experiments.card [WEIGHTS] [--shared DIR] [--negatives DIR ...] [--work DIR]

Scores on the embedded split, on bohai_dev and on 60 other drawn scenes; false ice on scenes without any: real
ones of DIR/odd_tiffs, those that val.csv of the folders --negatives holds out, and 40 drawn ones, which every
call draws alike. All by the program itself, on a CPU.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from infer.errors import UsageError
from infer.settings import WEIGHTS
from tests.helpers.support import REPO
from train_offline.commands.synthesize import main as synthesize
from train_offline.data.folder import listed_pairs, pairs_in
from train_offline.judging.showcase.run_infer import run_job, total_counts
from train_offline.runtime.program import Parser, run
from train_offline.scenery.embedded import embedded_split
from train_offline.scoring.score import score

ICELESS = ("gt_wildfires.tiff", "rio_RGB.byte.tif", "rio_rgb_lzw.tif")  # fires, an island, clouds
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)
DRAWN = {  # name: arguments of synthesize
    "60 other drawn scenes": ("--count", "60", "--size", "512", "--seed", "880001", "--ice-share", "0.4"),
    "40 drawn scenes without ice": ("--count", "40", "--size", "512", "--seed", "880002", "--ice-share", "0"),
}


def masks_of(scenes: Sequence[Path], weights: Path, work: Path, *extra: str) -> Path:
    """The folder of the masks that the program makes of these scenes."""
    shutil.rmtree(work, ignore_errors=True)
    (work / "in").mkdir(parents=True)
    for scene in scenes:
        (work / "in" / scene.name).symlink_to(scene.resolve())
    line = ["--input", work / "in", "--output", work / "masks", "--weights", weights, "--device", "cpu"]
    if run_job([*line, "--strict", "--quiet", *extra]):
        raise UsageError("the program failed; its own message is above")
    return work / "masks"


def scored(name: str, data: Path, weights: Path, work: Path) -> None:
    pairs = pairs_in(data)
    total = total_counts(pairs, masks_of([pair.image for pair in pairs], weights, work))
    print(score(name, *total))


def trade_off(name: str, data: Path, weights: Path, work: Path) -> None:
    """Precision, recall and IoU of ice by --threshold."""
    pairs = pairs_in(data)
    for threshold in THRESHOLDS:
        masks = masks_of([pair.image for pair in pairs], weights, work, "--threshold", str(threshold))
        (_, false), (missed, found) = total_counts(pairs, masks)[0]
        shares = (found / (found + false), found / (found + missed), found / (found + false + missed))
        print(f"{name}, {threshold}: precision {shares[0]:.3f}, recall {shares[1]:.3f}, IoU {shares[2]:.3f}")


def false_ice(name: str, scenes: Sequence[Path], weights: Path, work: Path) -> None:
    shares = []
    for path in sorted(masks_of(scenes, weights, work).iterdir()):
        shares.append(np.mean(cv2.imread(str(path), cv2.IMREAD_UNCHANGED) > 0))
    print(f"{name}: false ice {100 * np.mean(shares):.2f} %, at most {100 * max(shares):.2f} % of a scene")


def drawn(name: str, work: Path) -> Path:
    folder = work / name.replace(" ", "-")
    if not (folder / "train.csv").is_file() and synthesize(["--output", str(folder), *DRAWN[name]]):
        raise UsageError(f"{folder}: could not be drawn")
    return folder


def main(argv: list[str] | None = None) -> int:
    parser = Parser(prog="card", description=__doc__.split("\n\n")[0])
    parser.add_argument("weights", type=Path, nargs="?", default=WEIGHTS)
    shared = REPO.parent / "shared" / "data"
    parser.add_argument("--shared", type=Path, default=shared, metavar="DIR", help="(%(default)s)")
    iceless = "data folder of scenes without ice, with a val.csv; repeatable"
    parser.add_argument("--negatives", type=Path, action="append", default=[], metavar="DIR", help=iceless)
    parser.add_argument("--work", type=Path, default=REPO / "runs" / "card", metavar="DIR")

    def work() -> None:
        given = parser.parse_args(argv)
        scratch, with_ice, without = given.work / "run", *DRAWN
        scored("embedded", embedded_split(REPO / "data" / "embedded"), given.weights, scratch)
        scored("bohai_dev", given.shared / "bohai_dev", given.weights, scratch)
        scored(with_ice, drawn(with_ice, given.work), given.weights, scratch)
        trade_off("bohai_dev", given.shared / "bohai_dev", given.weights, scratch)
        trade_off("embedded", embedded_split(REPO / "data" / "embedded"), given.weights, scratch)
        for name in ICELESS:
            false_ice(name, [given.shared / "odd_tiffs" / name], given.weights, scratch)
        for folder in given.negatives:
            held_out = [pair.image for pair in listed_pairs(folder, "val.csv")]
            false_ice(f"{len(held_out)} scenes of {folder.name}", held_out, given.weights, scratch)
        scenes = [pair.image for pair in pairs_in(drawn(without, given.work))]
        false_ice(without, scenes, given.weights, scratch)

    return run("card", work)


if __name__ == "__main__":
    sys.exit(main())
