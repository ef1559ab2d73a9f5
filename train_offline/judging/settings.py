"""What a dry run is asked to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from infer.errors import FileError, UsageError

MAX_SECONDS = 1e6  # of a time limit


@dataclass(frozen=True)
class ContainerLimits:
    """What a container may take: memory as docker writes it ("8g"), and processes."""

    memory: str = "8g"
    processes: int = 256


@dataclass(frozen=True)
class DryRunSettings:
    """data: None for the embedded validation split. keep: where the masks are to stay, None to drop them.

    threshold: None for the job's own. docker: run an image, `image` if it is named, else that of this
    checkout. time_limit: seconds for one process or container. memory: of a container. hard: run it once more
    with very little.
    """

    data: Path | None = None
    weights: Path | None = None
    device: str = "auto"
    threshold: float | None = None
    report_dir: Path = Path("runs/dry-run")
    keep: Path | None = None
    docker: bool = False
    image: str | None = None
    per_scene: bool = False
    repeat: int = 1
    time_limit: float | None = None
    cold: bool = False
    memory: str = ContainerLimits.memory
    hard: bool = False

    @property
    def in_container(self) -> bool:
        """Whether an image is judged, not this checkout as a plain process."""
        return self.docker or self.image is not None


def check(settings: DryRunSettings) -> DryRunSettings:
    """Return the settings themselves; raises UsageError for those that contradict one another."""
    image = settings.image
    if image is not None and not image.strip("-").strip():
        raise UsageError("--image is empty; name a local image, or leave it out")
    if image is not None and image.startswith("-"):
        raise UsageError(f"--image {image}: no image has such a name; `docker image ls` lists them")
    if settings.time_limit and settings.time_limit > MAX_SECONDS:
        raise UsageError(f"--time-limit is at most {MAX_SECONDS:.0f} s; leave it out for no limit")
    if settings.docker and image:
        raise UsageError("--docker builds this checkout's image, --image names another one; give one of them")
    if settings.in_container and settings.weights:
        raise UsageError("--weights is for a run without a container: an image brings its own")
    if settings.in_container and settings.threshold is not None:
        raise UsageError("--threshold is for a run without a container: an image brings its own")
    if settings.weights and not settings.weights.is_file():
        raise FileError(settings.weights, "no such file", kind="missing", setting="weights")
    return settings


def bytes_of(text: str) -> int:
    """Return a size as docker writes it ("8g", "900m") in bytes, 0 where it is none."""
    found = re.fullmatch(r"(\d{1,15})([bkmg]?)", text.lower())
    return int(found[1]) * 1024 ** "bkmg".index(found[2] or "b") if found else 0
