"""The parts of amazon.sh that are no verb of run.sh: lay out the two sets of scenes, score the masks.

    python -m tests.experiments.amazon stage DATA_DIR RUN_DIR    makes RUN_DIR/scenes and RUN_DIR/test
    python -m tests.experiments.amazon score RUN_DIR             compares RUN_DIR/masks with RUN_DIR/test/gt

The scores are those of John & Zhang 2022 (Int. J. Appl. Earth Obs. Geoinf. 107:102685): each is a mean over
images, never over pixels; "weighted" is scikit-learn's word, each class by its share of the true pixels.
Their F1 is that of the mean weighted precision and the mean weighted recall, as in their code; recall
weighted in this way is the accuracy.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import cv2
import numpy as np

from infer.errors import UsageError
from tests.experiments.amazon_scenes import stage
from train_offline.data.folder import pairs_in, read_labelled
from train_offline.runtime.program import Parser, run
from train_offline.scoring.confusion import confusion, fwiou, overall_accuracy

PUBLISHED = (
    ("U-Net", 0.9473, 0.9522, 0.8888),
    ("Attention U-Net", 0.9526, 0.9550, 0.9028),
    ("ResNet50-SegNet", 0.9470, 0.9495, 0.9025),
    ("Attention U-Net, replicated", None, 0.9526, 0.9072),
    ("quadratic logistic rule per pixel", 0.9117, None, 0.836),
)
OURS = "this run"


def per_image(conf: np.ndarray) -> dict[str, float]:
    """Accuracy, weighted precision and weighted IoU of one image from its confusion matrix [2, 2].

    A class that is nowhere predicted has precision 0, as in scikit-learn.
    """
    true, said = conf.sum(axis=1), conf.sum(axis=0)
    precision = np.diagonal(conf) / np.maximum(said, 1)
    return {
        "accuracy": overall_accuracy(conf),
        "precision": float((precision * true).sum() / true.sum()),
        "weighted_iou": fwiou(conf),
    }


def mean_scores(rows: list[dict[str, float]]) -> dict[str, float]:
    """The table's accuracy, F1 and weighted IoU over all images."""
    accuracy, precision, weighted = (
        float(np.mean([row[name] for row in rows])) for name in ("accuracy", "precision", "weighted_iou")
    )
    f1 = 2 * precision * accuracy / (precision + accuracy) if precision + accuracy else 0.0
    return {"accuracy": accuracy, "f1": f1, "weighted_iou": weighted}


def score(run_folder: Path) -> str:
    """Score RUN/masks on RUN/test, write RUN/scores.csv (by image) and RUN/scores.json; the table as text."""
    rows = []
    for pair in pairs_in(run_folder / "test"):
        truth = read_labelled(pair).label
        path = run_folder / "masks" / f"{pair.name}.png"
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
        if mask is None or mask.shape != truth.shape:
            raise UsageError(f"{path}: is no mask of {pair.image}")
        rows.append({"image": pair.image.name, **per_image(confusion(truth, mask))})
    means = mean_scores(rows)
    with (run_folder / "scores.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    report = json.dumps({"images": len(rows), **means}, indent=2)
    (run_folder / "scores.json").write_text(report + "\n", encoding="utf-8")
    return table(means)


def table(means: dict[str, float]) -> str:
    """The published rows and ours, as they stand in a README."""
    ours = (OURS, means["accuracy"], means["f1"], means["weighted_iou"])
    lines = ["| model | accuracy | F1 | weighted IoU |", "| --- | --- | --- | --- |"]
    for name, *values in (*PUBLISHED, ours):
        cells = ("–" if value is None else f"{value:.4f}" for value in values)  # noqa: RUF001
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    def work() -> None:
        parser = Parser(prog="amazon", description="Steps of tests/experiments/amazon.sh.")
        steps = parser.add_subparsers(dest="step", required=True)
        for name, folders in (("stage", ("data", "run")), ("score", ("run",))):
            step = steps.add_parser(name)
            for folder in folders:
                step.add_argument(folder, type=Path, metavar=f"{folder.upper()}_DIR")
        given = parser.parse_args(argv)
        if given.step == "stage":
            stage(given.data, given.run)
        else:
            print(score(given.run))

    return run("amazon", work)


if __name__ == "__main__":
    sys.exit(main())
