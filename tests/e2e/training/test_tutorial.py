"""README's tutorial, typed in from end to end; tests/docker has its last command, pack."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.helpers.offline.tutorial import commands, copy_checkout, tutorial, type_in, verb
from tests.helpers.support import WEIGHTS

WITHOUT_DOCKER = commands()[:-1]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_checkout(tmp_path_factory.mktemp("tutorial"))


@pytest.fixture(scope="module")
def results(checkout: Path) -> list[subprocess.CompletedProcess[str]]:
    """Of all commands but pack, up to the first that fails."""
    results = []
    for command in WITHOUT_DOCKER:
        results.append(type_in(command, checkout))
        if results[-1].returncode:
            break
    return results


def test_there_are_eight_commands_and_the_last_one_packs() -> None:
    verbs = ["synthesize", "split", "check", "dry-run", "train", "export", "dry-run", "pack"]
    assert [verb(command) for command in commands()] == verbs


def test_every_command_ends_well(results: list[subprocess.CompletedProcess[str]]) -> None:
    for result in results:
        assert result.returncode == 0, f"{result.args}: {result.stdout}{result.stderr}"
        assert "Traceback" not in result.stderr
    assert len(results) == len(WITHOUT_DOCKER)


def test_the_weights_of_the_copy_are_new_and_judged(
    checkout: Path, results: list[subprocess.CompletedProcess[str]]
) -> None:
    first, second = (result.stdout for result in results if verb(result.args) == "dry-run")
    for said in (first, second):
        assert "verdict      passed" in said
        assert "IoU          ice 0." in said
    exported = checkout / "weights" / WEIGHTS.name
    assert exported.read_bytes() != WEIGHTS.read_bytes()
    report = json.loads((checkout / "runs" / "dry-run" / "report.json").read_text())
    assert report["passed"]
    settings = json.loads((checkout / "runs" / "mine" / "settings.json").read_text())
    assert settings["init"].endswith("weights/seaice.safetensors")


def test_pictures_of_the_tutorial_are_there_and_small() -> None:
    for line in tutorial().splitlines():
        if line.startswith("!["):
            picture = WEIGHTS.parents[1] / line.rpartition("(")[2].rstrip(")")
            assert picture.stat().st_size < 300_000
