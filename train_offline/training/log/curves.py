"""The course of a training as one picture: loss, scores and learning rate over the steps."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from train_offline.runtime.files import whole_file

SCORES = {"fwiou": "FWIoU", "ice_iou": "IoU of ice"}


def draw_curves(rows: list[dict[str, str]], path: Path) -> None:
    """Draw curves.png from the rows of history.csv; a score that a row lacks leaves no point.

    Panels: the loss, FWIoU (lines) and IoU of ice (dashed) of each validation folder, the learning rate.
    """
    figure = Figure(figsize=(13, 4), layout="constrained")
    loss, scores, rate = figure.subplots(1, 3)
    _draw(loss, rows, "loss", marker=".")
    loss.set_title("training loss")
    sources = list(dict.fromkeys(name.rpartition("/")[0] for row in rows for name in row if "/" in name))
    for number, source in enumerate(sources):
        for score, style in zip(SCORES, ("-", "--"), strict=True):
            label, colour = f"{source}: {SCORES[score]}", f"C{number}"
            _draw(scores, rows, f"{source}/{score}", label=label, color=colour, linestyle=style, marker=".")
    scores.set_title("validation, averaged weights")
    if scores.lines:
        scores.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    _draw(rate, rows, "lr", marker=".")
    rate.set_title("learning rate")
    rate.set_ylim(bottom=0)
    for axes in (loss, scores, rate):
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
    with whole_file(path) as draft:
        figure.savefig(draft, format="png", dpi=110)


def _draw(axes: Axes, rows: list[dict[str, str]], column: str, **style: Any) -> None:
    points = [(int(row["step"]), float(row[column])) for row in rows if row.get(column) not in (None, "")]
    points = [(step, value) for step, value in points if math.isfinite(value)]
    if points:
        axes.plot(*zip(*points, strict=True), **style)
