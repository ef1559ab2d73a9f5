"""The archive beside the plain job and a plain Ray loop.

python -m tests.bench.archive [--scenes 500] [--rounds 2]

Each is a whole process on the same scenes of 512 x 512, one after the other in each round; the rate is that
of the masks after the first 64, by the times of their files, so that no start counts.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import psutil
from PIL import Image

from tests.bench.harness.models import make_models
from tests.helpers.job.placed import UTM, write_placed
from tests.helpers.support import REPO
from train_offline.scenery.scene import make_scene

FIRST, KINDS, SIDE = 64, 25, 512
SOME = 160  # scenes of the Ray loop, which would take minutes for all
Command = Callable[[Path, Path, Path], list[str]]


def _job(scenes: Path, out: Path, _: Path) -> list[str]:
    return ["-m", "infer", "--input", str(scenes), "--output", str(out), "--format", "geotiff", "--quiet"]


def _archive(scenes: Path, out: Path, _: Path) -> list[str]:
    return ["-m", "infer.archive", "run", str(scenes), "--output", str(out), "--quiet"]


def _without_pictures(scenes: Path, out: Path, models: Path) -> list[str]:
    return [*_archive(scenes, out, models), "--no-pictures"]


def _on_ray(scenes: Path, out: Path, models: Path) -> list[str]:
    return [*_archive(scenes, out, models), "--workers", "1"]


def _ray_loop(scenes: Path, out: Path, models: Path) -> list[str]:
    return ["-m", "tests.bench.peers.ray_loop", str(scenes), str(out), str(models)]


CONTESTANTS: dict[str, Command] = {
    "plain job": _job,
    "archive": _archive,
    "archive, no pictures": _without_pictures,
    "archive on Ray": _on_ray,
    "plain Ray loop": _ray_loop,
}


def main(argv: list[str] | None = None) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="archive", description=__doc__)
    parser.add_argument("--scenes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args(argv)
    rates: dict[str, list[float]] = defaultdict(list)
    masks: dict[str, dict[str, bytes]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-archive-") as folder:
        work = Path(folder)
        models = make_models(work / "models", _write_data(work / "data"))
        scenes = _write_scenes(work / "scenes", arguments.scenes)
        some = _write_scenes(work / "some", min(SOME, arguments.scenes))
        for _ in range(arguments.rounds):
            for name, command in CONTESTANTS.items():
                out = work / "out"
                line = [sys.executable, *command(some if command is _ray_loop else scenes, out, models)]
                subprocess.run(line, cwd=REPO, check=True, stdout=subprocess.DEVNULL)
                files = sorted(out.rglob("*.tif"), key=lambda path: path.stat().st_mtime)
                times = [path.stat().st_mtime for path in files]
                rates[name].append((len(times) - FIRST) / (times[-1] - times[FIRST - 1]))
                masks[name] = {path.name: path.read_bytes() for path in files}
                shutil.rmtree(out)
                print(
                    f"{name}: {rates[name][-1]:.2f} scenes/s, load {psutil.getloadavg()[0]:.1f}", flush=True
                )
    _print(rates, masks)
    return 0


def _write_scenes(folder: Path, count: int) -> Path:
    """Write scenes with ice and a place; of 25 kinds, as drawing them takes longer than mapping them."""
    folder.mkdir()
    for kind in range(min(KINDS, count)):
        write_placed(folder / f"s{kind:04d}.tif", make_scene(kind, SIDE, SIDE, ice=True).image, **UTM)
    for number in range(KINDS, count):
        shutil.copy(folder / f"s{number % KINDS:04d}.tif", folder / f"s{number:04d}.tif")
    return folder


def _write_data(folder: Path) -> Path:
    """Write a data folder, from which the peers' networks see what their inputs look like."""
    for name in ("image", "gt"):
        (folder / name).mkdir(parents=True)
    for kind in range(3):
        scene = make_scene(kind, SIDE, SIDE, ice=True)
        Image.fromarray(scene.image).save(folder / "image" / f"{kind}.tif")
        Image.fromarray(scene.mask).save(folder / "gt" / f"{kind}.png")
    return folder


def _print(rates: dict[str, list[float]], masks: dict[str, dict[str, bytes]]) -> None:
    plain = statistics.median(rates["plain job"])
    print(
        "| contestant | scenes/s | ratio to the plain job | masks equal to its |\n| --- | --- | --- | --- |"
    )
    for name, found in rates.items():
        equal = sum(masks["plain job"].get(key) == content for key, content in masks[name].items())
        rate = statistics.median(found)
        print(f"| {name} | {rate:.2f} | {rate / plain:.2f} | {equal} of {len(masks[name])} |")


if __name__ == "__main__":
    sys.exit(main())
