"""How the course of a run is put into words and figures: its first line, the bar, a line for each epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from train_offline.scoring.score import Score


def row_of(
    epoch: int, step: int, seconds: float, losses: tuple[float, int], rate: float, speed: float
) -> dict[str, Any]:
    """Return what history says of an epoch (from 0) before it is scored.

    losses: sum and number of its steps' losses; speed: crops per second.
    """
    total, steps = losses
    row = {"epoch": epoch + 1, "step": step, "seconds": round(seconds, 1)}
    return row | {"loss": round(total / steps, 5), "lr": rate, "crops_per_second": round(speed, 2)}


def line_of(row: Mapping[str, Any], step: int, scores: Sequence[Score]) -> str:
    """Return the line of an epoch."""
    return (
        f"epoch {row['epoch']}, step {step}, {row['seconds'] / 60:.1f} min, loss {row['loss']:.4f}, "
        f"{row['crops_per_second']:.1f} crops/s" + "".join(f" | {score}" for score in scores)
    )


def beside_the_bar(loss: float, step: int, speed: float, scores: Mapping[str, float]) -> dict[str, str | int]:
    """Return what stands behind the progress bar; scores: of the last validation, "source/score"."""
    figures: dict[str, str | int] = {"loss": f"{loss:.3f}", "step": step, "crops": f"{speed:.1f}/s"}
    for name, shown in (("ice_iou", "IoU of ice"), ("fwiou", "FWIoU")):
        last = [value for key, value in scores.items() if key.endswith(f"/{name}") and not math.isnan(value)]
        if last:
            figures[shown] = f"{sum(last) / len(last):.4f}"
    return figures
