"""`./run.sh bench`: whole processes, timed from outside, side by side in one run.

one     a single 512 x 512 scene, beside `import torch` alone, which is the floor of any torch program
split   the twenty embedded validation scenes, with their score
memory  peak memory on 20 and on 200 scenes of 1024 x 1024 (only with --memory: minutes on a CPU)
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2

from tests.bench.baselines import row
from tests.support import REPO
from train_offline.folder import listed_pairs
from train_offline.judge import total_counts
from train_offline.synthesize import embedded_split, make_scene, write_scene


@dataclass(frozen=True)
class Run:
    """One whole process: wall-clock and CPU seconds, peak resident size in bytes."""

    wall: float
    cpu: float
    peak_rss: int


def run(*command: object) -> Run:
    """Runs a command to its end; raises CalledProcessError when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen([*map(str, command)], cwd=REPO, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def infer(scenes: Path, masks: Path) -> Run:
    return run(sys.executable, "-m", "infer", "--input", scenes, "--output", masks, "--quiet")


def medians(runs: list[Run]) -> str:
    wall = [r.wall for r in runs]
    return (
        f"{statistics.median(wall):6.2f} s  ({min(wall):.2f} to {max(wall):.2f})  "
        f"{statistics.median(r.cpu for r in runs):6.2f} s CPU  {max(r.peak_rss for r in runs) / 1e6:5.0f} MB"
    )


def bench_one(folder: Path, repeat: int) -> None:
    """One scene beside `import torch`, taking turns, so that a noisy machine disturbs both alike."""
    (folder / "one").mkdir()
    image = next(path for path in sorted(split_images().iterdir()) if cv2.imread(str(path)).shape[0] == 512)
    shutil.copy(image, folder / "one")
    torch_runs, ours = [], []
    infer(folder / "one", folder / "masks")  # warms the disk
    for _ in range(repeat):
        torch_runs.append(run(sys.executable, "-c", "import torch"))
        ours.append(infer(folder / "one", folder / "masks"))
    floor, median = (statistics.median(r.wall for r in runs) for runs in (torch_runs, ours))
    print(f"import torch  {medians(torch_runs)}")
    print(f"one scene     {medians(ours)}")
    print(f"              {median / floor:.2f} x import torch; {median - 1.25 * floor:.2f} s over 1.25 x")


def bench_split(folder: Path, repeat: int) -> None:
    """The embedded split, with its score from the masks of the last run."""
    runs = [infer(split_images(), folder / "split") for _ in range(repeat)]
    conf = total_counts(listed_pairs(split_images().parent, "val.csv"), folder / "split")[0]
    print(f"20 scenes     {medians(runs)}")
    print(row("              score", conf))


def bench_memory(folder: Path) -> None:
    """Memory must not grow with the number of scenes."""
    peaks = {}
    for count in (20, 200):
        scenes = folder / f"memory-{count}"
        scenes.mkdir()
        write_scene(folder / "source", "0", make_scene(1, 1024, 1024, ice=True))
        for i in range(count):
            os.link(folder / "source" / "image" / "0.tif", scenes / f"{i}.tif")
        peaks[count] = infer(scenes, folder / f"masks-{count}")
        print(f"{count:3} of 1024^2  {medians([peaks[count]])}")
    print(
        f"              {peaks[200].peak_rss / peaks[20].peak_rss:.3f} x the memory on ten times the scenes"
    )


def split_images() -> Path:
    return embedded_split(REPO / "data" / "embedded") / "image"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="runs of each (%(default)s)")
    parser.add_argument("--memory", action="store_true", help="peak memory on 20 and 200 scenes too")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        bench_one(Path(folder), arguments.repeat)
        bench_split(Path(folder), arguments.repeat)
        if arguments.memory:
            bench_memory(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
