"""What a dry run is asked to do."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

from infer.errors import UsageError
from train_offline.judging.run.flags import Limits
from train_offline.runtime.arguments import COUNT, POSITIVE
from train_offline.runtime.program import Parser

LONGEST = 1e6  # seconds
LEAST_MEMORY = 6 * 1024**2  # bytes; docker starts nothing with less


@dataclass(frozen=True)
class Settings:
    """data: None for the embedded validation split. keep: where the masks are to stay, None to drop them.

    docker: run an image, `image` if it is named, else that of this checkout. time_limit: seconds for one
    process or container. memory: of a container. hard: run it once more with very little.
    """

    data: Path | None = None
    weights: Path | None = None
    device: str = "auto"
    report_dir: Path = Path("runs/dry-run")
    keep: Path | None = None
    docker: bool = False
    image: str | None = None
    per_scene: bool = False
    repeat: int = 1
    time_limit: float | None = None
    cold: bool = False
    memory: str = Limits.memory
    hard: bool = False

    @property
    def in_container(self) -> bool:
        return self.docker or self.image is not None


def add_arguments(parser: argparse.ArgumentParser, default_report: Path) -> None:
    """The arguments that dry-run and pack share."""
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR",
        help="data folder (image/, gt/, val.csv) or a folder of scenes (the embedded split)")  # fmt: skip
    add(
        "--image",
        metavar="NAME",
        help="judge this image, anybody's: /input and /output, no arguments",
    )
    add("--per-scene", action="store_true", help="a process or container for each scene")
    add("--repeat", type=COUNT, default=1, metavar="N", help="runs, for medians (%(default)s)")
    add(
        "--time-limit",
        type=POSITIVE,
        metavar="S",
        help="seconds for a process or container",
    )
    add("--cold", action="store_true", help="drop the page cache before each start, where that is allowed")
    add("--memory", type=_memory, default=Limits.memory, metavar="SIZE", help="of a container (%(default)s)")
    add("--hard", action="store_true",
        help="a container once more: 1 processor, 1 GB, 128 processes, only /output to write to")  # fmt: skip
    add("--report-dir", type=Path, default=default_report, metavar="DIR",
        help="for report.html, report.json and history.csv (%(default)s, in the current folder)")  # fmt: skip
    add("--keep", type=Path, metavar="DIR", help="keep the masks in this new or empty folder")


def parse(argv: list[str] | None) -> Settings:
    """Settings of a dry run from the command line; raises UsageError for a wrong call."""
    parser = Parser(
        prog="dry-run",
        allow_abbrev=False,
        description="Play the judge: run the job from outside, audit, score and time its masks.",
        epilog="Exit code: 0 passed, 1 failed, 2 wrong call. "
        "SEA_ICE_DOCKER_BUILD holds further flags of docker build.",
    )
    add = parser.add_argument
    add(
        "--docker",
        action="store_true",
        help="build this checkout's image and run it, as strictly as a judge",
    )
    add("--weights", type=Path, metavar="FILE", help="other weights than the job's own")
    add("--device", choices=("auto", "cuda", "cpu"), default="auto")
    add_arguments(parser, Settings.report_dir)
    settings = check(Settings(**vars(parser.parse_args(argv))))
    if settings.hard and not settings.in_container:
        raise UsageError("--hard limits a container: give --docker or --image too, or leave it out")
    return settings


def check(settings: Settings) -> Settings:
    """The settings themselves; raises UsageError for those that contradict one another."""
    if settings.image is not None and not settings.image.strip("-").strip():
        raise UsageError("--image is empty; name a local image, or leave it out")
    if settings.image is not None and settings.image.startswith("-"):
        raise UsageError(f"--image {settings.image}: no image has such a name; `docker image ls` lists them")
    if settings.time_limit and settings.time_limit > LONGEST:
        raise UsageError(f"--time-limit is at most {LONGEST:.0f} s; leave it out for no limit")
    if settings.docker and settings.image:
        raise UsageError("--docker builds this checkout's image, --image names another one; give one of them")
    if settings.in_container and settings.weights:
        raise UsageError("--weights is for a run without a container: an image brings its own")
    if settings.weights and not settings.weights.is_file():
        raise UsageError(f"--weights {settings.weights}: no such file")
    return settings


def bytes_of(text: str) -> int:
    """A size as docker writes it ("8g", "900m") in bytes, 0 where it is none."""
    found = re.fullmatch(r"(\d{1,15})([bkmg]?)", text.lower())
    return int(found[1]) * 1024 ** "bkmg".index(found[2] or "b") if found else 0


def _memory(text: str) -> str:
    if bytes_of(text) < LEAST_MEMORY:
        raise argparse.ArgumentTypeError(f"must be a size from 6m on, such as 8g or 900m, not {text!r}")
    return text
