"""The course of a training as one picture: loss, scores and learning rate over the steps."""

from __future__ import annotations

import math
import os
from pathlib import Path

from matplotlib.figure import Figure

SCORES = {"fwiou": "FWIoU", "ice_iou": "IoU of ice"}


def draw_curves(rows: list[dict[str, str]], path: Path) -> None:
    """Write curves.png from the rows of history.csv; a score that a row lacks leaves no point.

    Panels: the loss, FWIoU (lines) and IoU of ice (dashed) of each validation folder, the learning rate.
    """
    figure = Figure(figsize=(13, 4), layout="constrained")
    loss, scores, rate = figure.subplots(1, 3)
    _draw(loss, rows, "loss", marker=".")
    loss.set_title("training loss")
    sources = list(dict.fromkeys(name.rpartition("/")[0] for row in rows for name in row if "/" in name))
    for number, source in enumerate(sources):
        for score, style in zip(SCORES, ("-", "--"), strict=True):
            _draw(scores, rows, f"{source}/{score}", label=f"{source}: {SCORES[score]}", color=f"C{number}",
                  linestyle=style, marker=".")  # fmt: skip
    scores.set_title("validation, averaged weights")
    if scores.lines:
        scores.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    _draw(rate, rows, "lr", marker=".")
    rate.set_title("learning rate")
    rate.set_ylim(bottom=0)
    for axes in (loss, scores, rate):
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
    partial = path.with_name(f".{path.name}.part")
    figure.savefig(partial, format="png", dpi=110)
    os.replace(partial, path)


def _draw(axes, rows: list[dict[str, str]], column: str, **style: object) -> None:
    points = [(int(row["step"]), float(row[column])) for row in rows if row.get(column) not in (None, "")]
    points = [(step, value) for step, value in points if math.isfinite(value)]
    if points:
        axes.plot(*zip(*points, strict=True), **style)
