"""How seconds and memory grow with the number of scenes: python -m tests.bench.growth

Runs our job as a whole process on 25, 50, 100 and 200 scenes in the challenge's proportions, fits a straight
line of seconds against megapixels and writes growth.csv and growth.png.
"""

from __future__ import annotations

import csv
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infer.errors import UsageError
from infer.settings import WEIGHTS
from tests.bench.contestants import OURS, environment
from tests.bench.measure import Failed, Run, fresh, run
from tests.bench.scenarios import make
from tests.helpers.support import REPO
from train_offline.data.folder import pairs_in
from train_offline.judging.cases import Case, mask_sizes
from train_offline.judging.report.environment import environment as machine
from train_offline.runtime import program as command

COUNTS = (25, 50, 100, 200)
COLUMNS = ("machine", "cores", "gpu", "scenes", "megapixels", "runs", "seconds", "peak_rss_mb")


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


def measure(counts: Sequence[int], repeat: int, work: Path) -> list[Point]:
    scenes = nested([pair.image for pair in pairs_in(make("many", work))])
    taken: dict[int, list[Run]] = {count: [] for count in counts}
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copyfile(WEIGHTS, Path(scratch, "weights.safetensors"))  # where the contestants look for them
        for turn in range(repeat):
            for count in counts:
                folder = Path(scratch, str(count))
                folder.mkdir(exist_ok=True)
                for scene in scenes[:count]:
                    if not (folder / scene.name).exists():
                        (folder / scene.name).symlink_to(scene.resolve())
                masks = fresh(Path(scratch, "masks"))
                taken[count].append(run(OURS.command(folder, masks, Path(scratch)), environment(None)))
                print(f"growth: turn {turn}, {count} scenes: {taken[count][-1].wall:.2f} s", file=sys.stderr)
    return [_point(scenes[:count], taken[count]) for count in counts]


def _point(scenes: Sequence[Path], runs: Sequence[Run]) -> Point:
    sizes = [mask_sizes(Case(scene))[0] for scene in scenes]
    return Point(
        len(scenes),
        sum(height * width for height, width in sizes) / 1e6,
        statistics.median(one.wall for one in runs),
        max(one.peak_rss for one in runs) / 1e6,
    )


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


def main(argv: list[str] | None = None) -> int:
    parser = command.Parser(prog="growth", description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--scenes", type=command.positive(int), nargs="+", default=COUNTS, metavar="N", help="at least three")
    add("--repeat", type=command.positive(int), default=2, metavar="N", help="timed runs (%(default)s)")
    add("--work", type=Path, default=REPO / "runs" / "bench", metavar="DIR", help="scenes, weights, packages")
    add(
        "--output", type=Path, default=REPO / "tests" / "bench", metavar="DIR", help="for growth.csv and .png"
    )

    def work() -> None:
        given = parser.parse_args(argv)
        counts = sorted(set(given.scenes))
        if len(counts) < 3:
            raise UsageError("--scenes: a line through fewer than three points says nothing; give three")
        try:
            points = measure(counts, given.repeat, given.work)
        except Failed as failure:
            raise UsageError(f"the job failed: {failure}") from failure
        facts = machine(in_container=False)
        about = (facts["processor"], facts["cores"], " + ".join(facts["gpus"]))
        given.output.mkdir(parents=True, exist_ok=True)
        with (given.output / "growth.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for p in points:
                figures = (f"{p.megapixels:.2f}", given.repeat, f"{p.seconds:.3f}", f"{p.peak_rss_mb:.0f}")
                writer.writerow((*about, p.scenes, *figures))
        plot(points, given.output / "growth.png")
        print("{:.2f} s + {:.3f} s per megapixel, R² {:.5f}".format(*line(points)))

    return command.run("growth", work)


if __name__ == "__main__":
    sys.exit(main())
