"""The submission as an image: built, looked at, and run as a strict judge would run it."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import subprocess
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from infer.device import gpu_visible
from infer.settings import UsageError
from train_offline.code_version import REPOSITORY

TITLE = "sea-ice-submission"  # of our own image, which can be asked for a report
BUILT = "sea-ice:dry-run"
BUILD_FLAGS = "SEA_ICE_DOCKER_BUILD"
NOBODY = 54321  # a user that no image knows
STRICT = shlex.split(
    "--network none --read-only --cap-drop ALL --security-opt no-new-privileges --shm-size 64m "
    "--log-driver none --tmpfs /tmp:rw,nosuid,nodev,size=1g,mode=1777"
)


@dataclass(frozen=True)
class Limits:
    """What a container may take: memory as docker writes it ("8g"), and processes."""

    memory: str = "8g"
    processes: int = 256


@dataclass(frozen=True)
class Image:
    """A local image. ours: it takes the arguments of this repository's own job."""

    name: str
    id: str
    size_bytes: int
    ours: bool


def docker(*arguments: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run docker and catch what it says; UsageError where there is no client."""
    try:
        return subprocess.run(
            ["docker", *map(str, arguments)], capture_output=True, text=True, timeout=timeout, check=False
        )
    except FileNotFoundError as error:
        raise UsageError("docker is not installed: install it, or leave --docker out") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"docker {arguments[0]} does not answer: is its engine all right?") from error


def require_engine() -> None:
    """Raises UsageError, with docker's own reason, where no engine answers."""
    answer = docker("version", "--format", "{{.Server.Version}}")
    if answer.returncode:
        reason = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UsageError(f"no Docker engine answers ({reason}): start it (a plain dry run needs none)")


def build(log: Path) -> str:
    """Build this checkout's image, which takes a second where its layers are there; returns its name.

    Flags in the variable SEA_ICE_DOCKER_BUILD go to `docker build`, for another base image, say.
    """
    line = [
        "docker",
        "build",
        "--progress",
        "plain",
        "--tag",
        BUILT,
        *shlex.split(os.environ.get(BUILD_FLAGS, "")),
    ]
    buildkit = {"DOCKER_BUILDKIT": "1", **os.environ}  # older clients do not take it by themselves
    with log.open("w") as file:
        code = subprocess.run(
            [*line, str(REPOSITORY)], env=buildkit, stdout=file, stderr=subprocess.STDOUT
        ).returncode
    if code:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise UsageError(f"the image could not be built ({''.join(last)}); the whole log is {log}")
    return BUILT


def find_image(name: str) -> Image:
    """Look at a local image; UsageError where there is none of this name."""
    answer = docker("image", "inspect", name)
    if answer.returncode:
        raise UsageError(f"--image {name}: no such image here; build, load or pull it first")
    (facts,) = json.loads(answer.stdout)
    labels = facts["Config"].get("Labels") or {}
    ours = labels.get("org.opencontainers.image.title") == TITLE
    return Image(name, facts["Id"], int(facts.get("Size", 0)), ours)


def user() -> tuple[int, int]:
    """User and group that a container runs as: our own, so that its masks are ours; as root, nobody's."""
    return (os.getuid(), os.getgid()) if os.getuid() else (NOBODY, NOBODY)


class Container:
    """One container, from its command line to its removal."""

    def __init__(self, image: Image, limits: Limits, scenes: Path, masks: Path, report: Path | None) -> None:
        """report: a folder for the job's own report, mounted at /report; None for a job that makes none."""
        self._name = f"sea-ice-judge-{uuid.uuid4().hex[:12]}"
        self._image, self._limits = image, limits
        self._mounts = [_mount(scenes, "/input", "readonly"), _mount(masks, "/output")]
        self._mounts += [_mount(report, "/report")] if report else []

    def command(self, arguments: list[str]) -> list[str]:
        """The `docker run` line; `arguments` go to the image's entry point."""
        uid, gid = user()
        limits = ["--memory", self._limits.memory, "--memory-swap", self._limits.memory]
        limits += ["--pids-limit", str(self._limits.processes)]
        mounts = [part for mount in self._mounts for part in ("--mount", mount)]
        gpus = ["--gpus", "all"] if gpu_visible() else []
        flags = [*STRICT, *limits, *gpus, "--user", f"{uid}:{gid}", *mounts]
        return ["docker", "run", "--name", self._name, *flags, self._image.name, *arguments]

    def pid(self) -> int | None:
        """The process id of the container's first process on this machine; None while it has none."""
        answer = docker("inspect", "--format", "{{.State.Pid}}", self._name)
        number = answer.stdout.strip()
        return int(number) if answer.returncode == 0 and number.isdigit() and int(number) else None

    def kill(self) -> None:
        with suppress(UsageError):
            docker("kill", self._name)

    def state(self) -> dict[str, Any]:
        """Docker's own account of how it ended; {} where it was never made."""
        answer = docker("inspect", "--format", "{{json .State}}", self._name)
        return json.loads(answer.stdout) if answer.returncode == 0 else {}

    def remove(self) -> None:
        with suppress(UsageError):
            docker("rm", "--force", "--volumes", self._name)


def _mount(source: Path, target: str, *flags: str) -> str:
    """The value of --mount, which is a row of CSV: a path may hold colons, commas and quotes."""
    row = io.StringIO()
    csv.writer(row).writerow(["type=bind", f"source={source}", f"target={target}", *flags])
    return row.getvalue().strip()


def seconds_between(state: dict[str, Any], first: str, last: str) -> float | None:
    """Seconds between two of docker's time stamps, StartedAt and FinishedAt; None where one is missing."""
    try:
        times = [datetime.fromisoformat(_microseconds(state[key])) for key in (first, last)]
    except (KeyError, ValueError):
        return None
    return (times[1] - times[0]).total_seconds()


def _microseconds(stamp: str) -> str:
    """Docker writes nanoseconds, which Python 3.10 cannot read."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    return f"{whole}.{fraction[:6]:0<6}+00:00"
