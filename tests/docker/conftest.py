"""The image under test, and the folders and containers that a test needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docker.judge import Judge, docker

IMAGE_VARIABLE = "SEA_ICE_DOCKER_IMAGE"


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
