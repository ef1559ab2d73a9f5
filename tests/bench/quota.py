"""Half a processor on a host that seems to have sixteen: python -m tests.bench.quota IMAGE SCENES [TURNS]

In turns: the job that sees sixteen processors, and the job pinned to one, both in containers with --cpus 0.5.
Prints the medians, their ratio, and how many masks agree.
"""

from __future__ import annotations

import filecmp
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FAKED = """
import os, sys
os.sched_getaffinity = lambda _: set(range(16))
sys.argv = ["infer", "--quiet"]
import runpy
runpy.run_module("infer", run_name="__main__")
"""
QUOTA = ["--cpus", "0.5", "--network", "none"]
WAYS = {
    "sixteen": (["--entrypoint", "/opt/venv/bin/python"], ["-I", "-B", "-c", FAKED]),
    "pinned": (
        ["--entrypoint", "/opt/venv/bin/python", "--cpuset-cpus", "0"],
        ["-I", "-B", "-m", "infer", "--quiet"],
    ),
}


def seconds(image: str, scenes: Path, masks: Path, way: str) -> float:
    flags, command = WAYS[way]
    mounts = ["--volume", f"{scenes}:/input:ro", "--volume", f"{masks}:/output"]
    began = time.monotonic()
    subprocess.run(["docker", "run", "--rm", *QUOTA, *flags, *mounts, image, *command], check=True)
    return time.monotonic() - began


def main(image: str, scenes: str, turns: str = "3") -> None:
    with tempfile.TemporaryDirectory() as scratch:
        masks = {way: Path(scratch, way) for way in WAYS}
        took: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(int(turns)):
            for way in WAYS:
                took[way].append(seconds(image, Path(scenes).resolve(), masks[way], way))
        medians = {way: statistics.median(values) for way, values in took.items()}
        names = [path.name for path in masks["pinned"].iterdir()]
        same = len(filecmp.cmpfiles(masks["sixteen"], masks["pinned"], names, shallow=False)[0])
        shown = ", ".join(f"{way} {value:.2f} s" for way, value in medians.items())
        print(f"{shown}, ratio {medians['sixteen'] / medians['pinned']:.2f}")
        print(f"{same} of {len(names)} masks the same")


if __name__ == "__main__":
    main(*sys.argv[1:])
