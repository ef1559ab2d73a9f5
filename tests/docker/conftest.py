"""How the judge runs it: no network, no rights, a number for a user, only /output and /tmp writable."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

IMAGE_VARIABLE = "SEA_ICE_DOCKER_IMAGE"
USER, GROUP = 12345, 23456
HARDENED = shlex.split(
    "--network none --read-only --cap-drop ALL --security-opt no-new-privileges --pids-limit 256 "
    "--memory 6g --shm-size 64m --tmpfs /tmp"
)


def docker(*arguments: object, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *map(str, arguments)], capture_output=True, text=True, timeout=timeout, check=False
    )


@dataclass(frozen=True)
class Judge:
    """Runs the image as the judge would."""

    image: str

    def options(self, scenes: Path | None, masks: Path | None) -> list[str]:
        """The arguments of `docker run` up to the image: read-only scenes, masks, an arbitrary user."""
        line = [*HARDENED, "--user", f"{USER}:{GROUP}"]
        if scenes:
            line += ["--volume", f"{scenes}:/input:ro"]
        if masks:
            line += ["--volume", f"{masks}:/output"]
        return line

    def run(
        self, *arguments: object, scenes: Path | None = None, masks: Path | None = None, python: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """One container from start to end; with `python` the arguments go to its Python, not to run.sh."""
        entry = ["--entrypoint", "python"] if python else []
        return docker("run", "--rm", *self.options(scenes, masks), *entry, self.image, *arguments)


@pytest.fixture(scope="session")
def judge() -> Judge:
    image = os.environ.get(IMAGE_VARIABLE)
    if not image:
        pytest.skip(f"{IMAGE_VARIABLE} names no image (.ci/run builds one)")
    if not shutil.which("docker"):
        pytest.skip("no docker client")
    seen = docker("image", "inspect", image)
    assert seen.returncode == 0, f"{IMAGE_VARIABLE}={image}, but: {seen.stderr.strip()}"
    return Judge(image)


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """An empty folder that the container's user may write to."""
    folder = tmp_path / "masks of the container"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.fixture
def detached(judge: Judge) -> Iterator[Callable[[Path, Path], str]]:
    """Starts a container in the background and returns its id; removes it at the end."""
    started = []

    def start(scenes: Path, masks: Path) -> str:
        result = docker("run", "--detach", *judge.options(scenes, masks), judge.image)
        assert result.returncode == 0, result.stderr
        started.append(result.stdout.strip())
        return started[-1]

    yield start
    for container in started:
        docker("rm", "--force", container)
