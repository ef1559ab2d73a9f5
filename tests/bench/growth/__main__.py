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
from pathlib import Path

from infer.errors import UsageError
from infer.settings import WEIGHTS
from tests.bench.growth.line import Point, line, nested, plot
from tests.bench.harness.contestants import OURS, environment
from tests.bench.harness.measure import Failed, TimedRun, fresh, run
from tests.bench.harness.scenarios import make
from tests.helpers.support import REPO
from train_offline.data.folder import pairs_in
from train_offline.judging.cases import Case, mask_sizes
from train_offline.judging.report.environment import environment as machine
from train_offline.runtime import program as command
from train_offline.runtime.arguments import COUNT

HERE = REPO / "tests" / "bench" / "growth"
COUNTS = (25, 50, 100, 200)
COLUMNS = ("machine", "cores", "gpu", "scenes", "megapixels", "runs", "seconds", "peak_rss_mb")


def measure(counts: Sequence[int], repeat: int, work: Path) -> list[Point]:
    scenes = nested([pair.image for pair in pairs_in(make("many", work))])
    taken: dict[int, list[TimedRun]] = {count: [] for count in counts}
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


def _point(scenes: Sequence[Path], runs: Sequence[TimedRun]) -> Point:
    sizes = [mask_sizes(Case(scene))[0] for scene in scenes]
    return Point(
        len(scenes),
        sum(height * width for height, width in sizes) / 1e6,
        statistics.median(one.wall for one in runs),
        max(one.peak_rss for one in runs) / 1e6,
    )


def write(path: Path, points: Sequence[Point], repeat: int) -> None:
    """The table of one machine."""
    facts = machine(in_container=False)
    about = (facts["processor"], facts["cores"], " + ".join(facts["gpus"]))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for p in points:
            figures = (f"{p.megapixels:.2f}", repeat, f"{p.seconds:.3f}", f"{p.peak_rss_mb:.0f}")
            writer.writerow((*about, p.scenes, *figures))


def main(argv: list[str] | None = None) -> int:
    parser = command.Parser(prog="growth", description=(__doc__ or "").split("\n\n")[0])
    add = parser.add_argument
    add("--scenes", type=COUNT, nargs="+", default=COUNTS, metavar="N", help="at least three")
    add("--repeat", type=COUNT, default=2, metavar="N", help="timed runs (%(default)s)")
    add("--work", type=Path, default=REPO / "runs" / "bench", metavar="DIR", help="scenes, weights, packages")
    add("--output", type=Path, default=HERE, metavar="DIR", help="for growth.csv and growth.png")

    def work() -> None:
        given = parser.parse_args(argv)
        counts = sorted(set(given.scenes))
        if len(counts) < 3:
            raise UsageError("--scenes: a line through fewer than three points says nothing; give three")
        try:
            points = measure(counts, given.repeat, given.work)
        except Failed as failure:
            raise UsageError(f"the job failed: {failure}") from failure
        given.output.mkdir(parents=True, exist_ok=True)
        write(given.output / "growth.csv", points, given.repeat)
        plot(points, given.output / "growth.png")
        print("{:.2f} s + {:.3f} s per megapixel, R² {:.5f}".format(*line(points)))

    return command.run("growth", work, parser)


if __name__ == "__main__":
    sys.exit(main())
