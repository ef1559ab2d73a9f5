"""What the image says to a judge who mounts the wrong folder, or asks for help."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.docker.judge import Judge, docker

pytestmark = pytest.mark.docker


def test_nothing_found_is_no_success(judge: Judge, drawn_scenes: Path, tmp_path: Path) -> None:
    above = tmp_path / "above"
    above.mkdir()
    (above / "images").mkdir()
    for path in drawn_scenes.iterdir():
        os.link(path, above / "images" / path.name)
    mounts = ["--volume", f"{above}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    result = docker("run", "--rm", "--network", "none", *mounts, judge.image)
    assert result.returncode == 5
    assert "3 scenes in /input/images are not looked at: mount that folder" in result.stderr


def test_masks_that_would_go_with_the_container_are_warned_of(judge: Judge, drawn_scenes: Path) -> None:
    result = docker("run", "--rm", "--network", "none", "--volume", f"{drawn_scenes}:/input:ro", judge.image)
    assert result.returncode == 0
    assert "nothing is mounted at /output" in result.stderr


def test_help_names_the_docker_line_and_its_own_verbs_only(judge: Judge) -> None:
    for word in ("--help", "-h", "help"):
        result = docker("run", "--rm", "--network", "none", judge.image, word)
        assert result.returncode == 0
        assert "docker run" in result.stdout
        assert "dry-run" not in result.stdout
    assert docker("run", "--rm", "--network", "none", judge.image, "sh", "-c", "exit 7").returncode == 7
    listed = docker("run", "--rm", "--network", "none", judge.image, "infer", "--help")
    assert "--overlap" in listed.stdout
