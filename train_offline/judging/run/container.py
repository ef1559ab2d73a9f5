"""The submission as an image: built, looked at, and run."""

from __future__ import annotations

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

from infer import __version__
from infer.errors import UsageError
from train_offline.judging.run.process import ProcessOutcome
from train_offline.runtime.code_version import REPOSITORY, revision

TITLE = "sea-ice-submission"  # of our own image, which can be asked for a report
BUILT = "sea-ice:dry-run"
BUILD_FLAGS = "SEA_ICE_DOCKER_BUILD"
PLAINLY = ", or leave {docker} and {image} out: a plain dry run needs none"  # pack cannot do without
REFUSED = 125  # exit code of a docker that did not start the container


@dataclass(frozen=True)
class Image:
    """A local image. ours: it takes the arguments of this repository's own job."""

    name: str
    id: str
    size_bytes: int
    ours: bool


def docker(*arguments: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run docker and catch what it says; raises UsageError without a client, or an answer within seconds."""
    try:
        return subprocess.run(
            ["docker", *map(str, arguments)], capture_output=True, text=True, timeout=timeout, check=False
        )
    except OSError as error:
        raise UsageError("docker is not installed: install it", PLAINLY) from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"docker {arguments[0]} does not answer: is its engine all right?") from error


def require_engine() -> None:
    """Raise UsageError, with docker's own reason, where no engine answers."""
    answer = docker("version", "--format", "{{.Server.Version}}")
    if answer.returncode:
        reason = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UsageError(f"no Docker engine answers ({reason}): start it", PLAINLY)


def build(log: Path) -> str:
    """Build this checkout's image, which takes a second where its layers are there; returns its name.

    Its Dockerfile is told the commit and the version. Flags in the variable SEA_ICE_DOCKER_BUILD go to
    `docker build`, for another base image, say. log: the file that docker's words go to. Raises UsageError
    where it cannot be built.
    """
    facts = ("--build-arg", f"REVISION={revision()}", "--build-arg", f"VERSION={__version__}")
    more = shlex.split(os.environ.get(BUILD_FLAGS, ""))
    line = ["docker", "build", "--progress", "plain", "--tag", BUILT, *facts, *more]
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
    """Look at a local image; raises UsageError where there is none of this name."""
    answer = docker("image", "inspect", name)
    if answer.returncode:
        raise UsageError(f"no image {name} here; build, load or pull it first", ", or give another {image}")
    (facts,) = json.loads(answer.stdout)
    labels = facts["Config"].get("Labels") or {}
    ours = labels.get("org.opencontainers.image.title") == TITLE
    return Image(name, facts["Id"], int(facts.get("Size", 0)), ours)


class Container:
    """One container, from its command line to its removal."""

    def __init__(self, image: Image, flags: list[str]) -> None:
        """Name it. flags: of `docker run`, as train_offline.judging.run.flags gives them."""
        self._name = f"sea-ice-judge-{uuid.uuid4().hex[:12]}"
        self._image, self._flags = image, flags

    def command(self, arguments: list[str]) -> list[str]:
        """Return the `docker run` line; `arguments` go to the image's entry point."""
        ours = ["--name", self._name, "--log-driver", "none"]
        return ["docker", "run", *ours, *self._flags, self._image.name, *arguments]

    def pid(self) -> int | None:
        """Return the id that its first process has on this machine; None while there is none."""
        answer = docker("inspect", "--format", "{{.State.Pid}}", self._name)
        number = answer.stdout.strip()
        return int(number) if answer.returncode == 0 and number.isdigit() and int(number) else None

    def kill(self) -> None:
        """End it at once, if it runs."""
        with suppress(UsageError):
            docker("kill", self._name)

    def state(self) -> dict[str, Any]:
        """Return docker's own account of how it ended; {} where it was never made."""
        answer = docker("inspect", "--format", "{{json .State}}", self._name)
        state: dict[str, Any] = json.loads(answer.stdout) if answer.returncode == 0 else {}
        return state

    def remove(self) -> None:
        """Remove it with its volumes, running or not."""
        with suppress(UsageError):
            docker("rm", "--force", "--volumes", self._name)


def refusal(outcome: ProcessOutcome, state: dict[str, Any]) -> str | None:
    """Return docker's reason where it did not start the container at all; None where it did."""
    never = str(state.get("StartedAt", "0001")).startswith("0001") and not state.get("Pid")
    if outcome.exit_code != REFUSED or not never:
        return None
    return next((line for line in outcome.last_lines if line.startswith("docker:")), "no reason given")


def seconds_between(state: dict[str, Any], first: str, last: str) -> float | None:
    """Return the seconds between two of docker's time stamps in a state; None where one is missing."""
    try:
        times = [datetime.fromisoformat(_microseconds(state[key])) for key in (first, last)]
    except (KeyError, ValueError):
        return None
    return (times[1] - times[0]).total_seconds()


def _microseconds(stamp: str) -> str:
    """Cut a stamp to microseconds: docker writes nanoseconds, which Python 3.10 cannot read."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    return f"{whole}.{fraction[:6]:0<6}+00:00"
