"""`./run.sh bench --crossover`: from how many megapixels on a GPU is the faster one, its start included.

Our job as a whole process on 1, 4, 16, 64 and 256 scenes of 512 x 512, with --device cpu and --device cuda
taking turns; writes crossover.csv: seconds of both by megapixels, and where they cross.
"""

from __future__ import annotations

import csv
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from infer.errors import UsageError
from infer.predict.gpu import open_context
from infer.settings import WEIGHTS
from tests.bench.harness.contestants import Contestant, environment
from tests.bench.harness.measure import Failed, fresh, run
from tests.bench.harness.scenarios import make
from tests.helpers.support import REPO
from train_offline.data.folder import pairs_in
from train_offline.judging.report.environment import environment as machine
from train_offline.runtime import program as command
from train_offline.runtime.arguments import COUNT

HERE = REPO / "tests" / "bench" / "growth"
COUNTS = (1, 4, 16, 64, 256)
MEGAPIXELS = 512 * 512 / 1e6  # of a scene
COLUMNS = ("machine", "cores", "gpu", "scenes", "megapixels", "runs")


class Pair(NamedTuple):
    """Median seconds of the job on a CPU, and against it."""

    scenes: int
    cpu: float
    other: float

    @property
    def megapixels(self) -> float:
        return self.scenes * MEGAPIXELS


def measure(counts: Sequence[int], repeat: int, against: str, work: Path) -> Iterator[Pair]:
    """Yields each point as it is known; raises Failed where the job fails, UsageError for too few scenes."""
    devices = {device: Contestant(device, "infer", ("--device", device)) for device in ("cpu", against)}
    scenes = [pair.image for pair in pairs_in(make("thousand" if max(counts) > 1 else "one", work))]
    if max(counts) > len(scenes):
        raise UsageError(f"--scenes: there are {len(scenes)} scenes, not {max(counts)}")
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copyfile(WEIGHTS, Path(scratch, "weights.safetensors"))  # where the contestants look for them
        for count in counts:
            folder = Path(scratch, f"scenes-{count}")
            folder.mkdir()
            for scene in scenes[:count]:
                (folder / scene.name).symlink_to(scene.resolve())
            taken: dict[str, list[float]] = {device: [] for device in devices}
            for turn in range(repeat + 1):
                for device, job in devices.items():
                    masks = fresh(Path(scratch, "masks"))
                    wall = run(job.command(folder, masks, Path(scratch)), environment(None)).wall
                    if turn:  # the first one warms the disk
                        taken[device].append(wall)
                    print(f"crossover: {count} scenes, {device}: {wall:.2f} s", file=sys.stderr)
            yield Pair(count, statistics.median(taken["cpu"]), statistics.median(taken[against]))


def crossing(points: Sequence[Pair]) -> float | None:
    """Megapixels from which on the other is not slower than the CPU, on straight lines between the points.

    0 where it never is slower; None where it is slower at the last point.
    """
    behind = [point.other - point.cpu for point in points]
    if behind[-1] > 0:
        return None
    last = max((i for i, seconds in enumerate(behind) if seconds > 0), default=None)
    if last is None:
        return 0.0
    before, after = points[last], points[last + 1]
    share = behind[last] / (behind[last] - behind[last + 1])
    return before.megapixels + share * (after.megapixels - before.megapixels)


def told(points: Sequence[Pair], against: str) -> str:
    """What the points say, in one line."""
    where = crossing(points)
    if where is None:
        return f"{against} is slower than cpu up to {points[-1].megapixels:.1f} megapixels"
    if where == 0:
        return f"{against} is not slower than cpu from {points[0].megapixels:.2f} megapixels on"
    return f"{against} is faster than cpu from {where:.1f} megapixels on"


def write(path: Path, points: Sequence[Pair], repeat: int, against: str) -> None:
    """The table of one machine; where they cross stands in each row, empty where they do not."""
    facts = machine(in_container=False)
    about = (facts["processor"], facts["cores"], " + ".join(facts["gpus"]))
    where = crossing(points)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*COLUMNS, "seconds_cpu", f"seconds_{against}", "crosses_at_megapixels"))
        for p in points:
            figures = (f"{p.megapixels:.2f}", repeat, f"{p.cpu:.3f}", f"{p.other:.3f}")
            writer.writerow((*about, p.scenes, *figures, "" if where is None else f"{where:.2f}"))


def check_gpu() -> None:
    """Raises UsageError without a GPU that can be used."""
    if fault := open_context():
        raise UsageError(f"a crossover needs a GPU, and there is none to use ({fault}): check `nvidia-smi`")


def main(argv: list[str] | None = None) -> int:
    parser = command.Parser(
        prog="bench --crossover", allow_abbrev=False, description=(__doc__ or "").split("\n\n")[0]
    )
    add = parser.add_argument
    add("--scenes", type=COUNT, nargs="+", default=COUNTS, metavar="N", help="of 512 x 512, 1,000 at most")
    add("--repeat", type=COUNT, default=3, metavar="N", help="timed runs of each (%(default)s)")
    add("--against", choices=("cuda", "auto"), default="cuda", help="the other device (%(default)s)")
    add("--work", type=Path, default=REPO / "runs" / "bench", metavar="DIR", help="scenes (%(default)s)")
    add("--output", type=Path, default=HERE, metavar="DIR", help="for crossover.csv (%(default)s)")

    def work() -> None:
        given = parser.parse_args(argv)
        if given.against == "cuda":
            check_gpu()
        counts = sorted(set(given.scenes))
        points: list[Pair] = []
        print(f"megapixels  cpu, s  {given.against}, s")
        given.output.mkdir(parents=True, exist_ok=True)
        try:
            for point in measure(counts, given.repeat, given.against, given.work):
                points.append(point)
                print(f"{point.megapixels:10.2f}  {point.cpu:6.2f}  {point.other:7.2f}", flush=True)
                write(given.output / "crossover.csv", points, given.repeat, given.against)
        except Failed as failure:
            raise UsageError(f"the job failed: {failure}") from failure
        print(told(points, given.against))

    return command.run("bench --crossover", work, parser)


if __name__ == "__main__":
    sys.exit(main())
