"""Points of seconds against megapixels, the straight line through them, and their plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Point:
    """Medians of one number of scenes."""

    scenes: int
    megapixels: float
    seconds: float
    peak_rss_mb: float


def nested(scenes: Sequence[Path]) -> list[Path]:
    """The scenes in a fixed order whose beginnings hold large and small ones as the whole does."""
    by_side: dict[str, list[Path]] = {}
    for scene in sorted(scenes):
        by_side.setdefault(scene.stem.split("_")[0], []).append(scene)
    placed = [
        ((i + 0.5) / len(group), scene.name, scene)
        for group in by_side.values()
        for i, scene in enumerate(group)
    ]
    return [scene for _, _, scene in sorted(placed)]


def line(points: Sequence[Point]) -> tuple[float, float, float]:
    """Seconds at no pixel, seconds per megapixel, and R² of the straight line through the points."""
    x, y = (np.array([getattr(p, name) for p in points]) for name in ("megapixels", "seconds"))
    slope, start = np.polyfit(x, y, 1)
    rest = np.square(y - (start + slope * x)).sum()
    return float(start), float(slope), float(1 - rest / np.square(y - y.mean()).sum())


def plot(points: Sequence[Point], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    start, slope, fit = line(points)
    figure, axis = pyplot.subplots(figsize=(5.2, 3.4))
    x = [p.megapixels for p in points]
    axis.plot([0, x[-1]], [start, start + slope * x[-1]], color="#999999", zorder=1)
    axis.scatter(x, [p.seconds for p in points], color="#d55e00", zorder=2)
    for p in points:
        axis.annotate(
            f"{p.scenes} scenes, {p.peak_rss_mb / 1000:.1f} GB", (p.megapixels, p.seconds), (6, -10),
            textcoords="offset points", fontsize=8,
        )  # fmt: skip
    axis.set(
        xlabel="megapixels",
        ylabel="seconds",
        title=f"{start:.2f} s + {slope:.3f} s per megapixel, R² {fit:.4f}",
        xlim=(0, x[-1] * 1.25),
        ylim=(0, None),
    )
    axis.title.set_fontsize(10)
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
