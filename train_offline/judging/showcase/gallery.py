"""Draws the picture of successes and failures (python -m train_offline.judging.showcase.gallery).

It is the model card's. The program runs on freshly drawn scenes that no training has seen; the picture shows
the best, the median and the worst of them, chosen by their share of wrong pixels and by nobody's taste.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from infer.errors import FileError, UsageError
from infer.settings import WEIGHTS
from train_offline.data.folder import LabelledScene, pairs_in, read_labelled
from train_offline.data.pixels import read_mask
from train_offline.judging.cases import Case
from train_offline.judging.run.sandbox import lay_out
from train_offline.judging.showcase.example import PREDICTION, TRUTH, outlined
from train_offline.judging.showcase.run_infer import run_job
from train_offline.runtime.arguments import COUNT
from train_offline.runtime.images import brightened, shrunk
from train_offline.runtime.program import Parser, run
from train_offline.scenery.batch import plan, write_orders
from train_offline.scoring.confusion import confusion, iou

SIDE, CAPTION = 320, 26  # pixels of a panel and of the line above it
WORST = 3


@dataclass(frozen=True)
class Example:
    """A scene, its predicted mask uint8 [H, W], and how far off it is."""

    scene: LabelledScene
    mask: np.ndarray
    wrong: float  # share of the pixels
    ice_iou: float  # nan where there is no ice, neither true nor predicted


def examples(count: int, seed: int, weights: Path) -> list[Example]:
    """Predict `count` fresh scenes of 512 x 512, half of them with ice; the least wrong comes first."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, masks = Path(scratch) / "drawn", Path(scratch) / "masks"
        write_orders(folder, plan(count, (512,), seed, ice_share=0.5), "train.csv")
        pairs = pairs_in(folder)
        scenes = lay_out([Case(pair.image) for pair in pairs], Path(scratch) / "input")
        code = run_job(["--input", scenes, "--output", masks, "--weights", weights, "--quiet"])
        if code:
            raise SystemExit(code)
        found = [_example(read_labelled(pair), masks) for pair in pairs]
    return sorted(found, key=lambda example: example.wrong)


def _example(scene: LabelledScene, masks: Path) -> Example:
    mask = read_mask(masks / f"{scene.name}.png", scene.label.shape)
    conf = confusion(scene.label, mask)
    return Example(scene, mask, 1 - np.trace(conf) / conf.sum(), float(iou(conf)[1]))


def chosen(found: list[Example]) -> list[tuple[str, Example]]:
    """Choose the best and the median with ice and the worst of all, each with what it is."""
    icy = [example for example in found if example.scene.label.any()]
    if not icy:
        raise UsageError(f"none of the {len(found)} scenes shows ice", "; give a larger {count}")
    rows = [("best with ice", icy[0]), ("median with ice", icy[len(icy) // 2])]
    worst = ("worst", "second worst", "third worst")[:WORST]
    return rows + [(name, example) for name, example in zip(worst, reversed(found), strict=False)]


def picture(rows: list[tuple[str, Example]]) -> np.ndarray:
    """Draw a row of three panels for each: scene, true ice, predicted ice; uint8 [H, W, 3] RGB."""
    strips = []
    for name, example in rows:
        scene = example.scene
        bright, _ = brightened(scene.image)
        truth = outlined(bright, np.uint8(255) * (scene.label == 1), TRUTH)
        panels = (scene.image, truth, outlined(bright, example.mask, PREDICTION))
        strip = np.hstack([shrunk(panel, SIDE) for panel in panels])
        ice = "no ice" if not scene.label.any() else f"IoU of ice {example.ice_iou:.3f}"
        text = f"{name}: {example.wrong:.1%} of the pixels wrong, {ice}"
        caption = np.full((CAPTION, strip.shape[1], 3), 24, np.uint8)
        cv2.putText(caption, text, (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (235, 235, 235), 1, cv2.LINE_AA)
        strips += [caption, strip]
    return np.vstack(strips)


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = Parser(
        prog="gallery",
        description="Picture of successes and failures: scene, true ice, predicted ice.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--count", type=COUNT, default=60, metavar="N", help="scenes to choose from")
    add("--seed", type=COUNT, default=555001, metavar="K", help="of the scenes")
    add("--weights", type=Path, default=WEIGHTS, metavar="FILE", help="safetensors file")
    add("--output", type=Path, default=WEIGHTS.with_name("gallery.jpg"), metavar="FILE", help="picture")

    def work() -> None:
        given = parser.parse_args(argv)
        rows = chosen(examples(given.count, given.seed, given.weights))
        suffix = given.output.suffix or ".jpg"
        _, encoded = cv2.imencode(suffix, cv2.cvtColor(picture(rows), cv2.COLOR_RGB2BGR))
        try:
            given.output.write_bytes(encoded.tobytes())
        except OSError as error:
            raise FileError(given.output, f"cannot be written: {error.strerror}", setting="output") from error
        print(f"{given.output}: " + "; ".join(f"{name} {row.wrong:.1%} wrong" for name, row in rows))

    return run("gallery", work, parser)


if __name__ == "__main__":
    sys.exit(main())
