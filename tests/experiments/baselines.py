"""The simplest rules beside the network, on labelled scenes.

python -m tests.experiments.baselines DIR [DIR ...]

A constant mask, and a threshold on one band or on grey, above or below. Both are tuned on the very scenes
that they are scored on, so that their figures are the best that such a rule could reach.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from infer.errors import UsageError
from train_offline.data.folder import Pair, listed_pairs, read_labelled
from train_offline.judging.run.sandbox import lay_out
from train_offline.judging.showcase.run_infer import run_job, total_counts
from train_offline.scoring.confusion import fwiou, iou

BANDS = ("red", "green", "blue", "grey")


def histograms(pairs: list[Pair]) -> np.ndarray:
    """Counts of pixels by band, truth and value: int64 [4, 2, 256], ignored pixels left out."""
    counts = np.zeros((len(BANDS), 2, 256), np.int64)
    for pair in pairs:
        scene = read_labelled(pair)
        grey = scene.image.mean(axis=2).round().astype(np.uint8)
        for band, values in enumerate([*np.moveaxis(scene.image, -1, 0), grey]):
            for truth in (0, 1):
                counts[band, truth] += np.bincount(values[scene.label == truth], minlength=256)
    return counts


def threshold_rules(counts: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Every rule "band > t" and "band <= t" with its confusion matrix [2, 2], rows = truth."""
    for band, name in enumerate(BANDS):
        below = counts[band].cumsum(axis=1)  # [2, 256]
        above = below[:, -1:] - below
        for t in range(256):
            yield f"{name} > {t}", np.stack([below[:, t], above[:, t]], axis=1)
            yield f"{name} <= {t}", np.stack([above[:, t], below[:, t]], axis=1)


def constant_rules(counts: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """All ice and no ice."""
    truth = counts[0].sum(axis=1)
    yield "all ice", np.array([[0, truth[0]], [0, truth[1]]])
    yield "no ice", np.array([[truth[0], 0], [truth[1], 0]])


def network_confusion(pairs: list[Pair]) -> np.ndarray:
    """The shipped weights, by the real program."""
    with tempfile.TemporaryDirectory() as scratch:
        scenes = lay_out(pairs, Path(scratch) / "input")
        code = run_job(["--input", scenes, "--output", Path(scratch) / "masks", "--quiet"])
        if code:
            raise UsageError(f"the job failed with exit code {code}")
        return total_counts(pairs, Path(scratch) / "masks")[0]


def row(what: str, conf: np.ndarray) -> str:
    return f"{what:<32} IoU of ice {np.nan_to_num(iou(conf)[1]):.4f}   FWIoU {fwiou(conf):.4f}"


def compare(folder: Path) -> list[str]:
    """Lines with the best rule of each kind, by each measure, and the network."""
    pairs = listed_pairs(folder, "val.csv")
    counts = histograms(pairs)
    lines = [f"{folder.name}: {len(pairs)} scenes"]
    for kind, rules in (("constant", constant_rules), ("threshold", threshold_rules)):
        for measure, score in (("IoU", lambda c: np.nan_to_num(iou(c)[1])), ("FWIoU", fwiou)):
            name, conf = max(rules(counts), key=lambda rule, score=score: score(rule[1]))
            lines.append(row(f"best {kind} by {measure} ({name})", conf))
    return [*lines, row("network", network_confusion(pairs))]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="baselines", description=__doc__.split(":", maxsplit=1)[0])
    parser.add_argument("data", type=Path, nargs="+", metavar="DIR", help="labelled scenes")
    try:
        for folder in parser.parse_args(argv).data:
            print("\n".join(compare(folder)))
    except UsageError as error:
        print(f"baselines: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
