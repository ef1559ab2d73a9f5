"""Whose packages a report shows: the image's own, this machine's for a process, or nobody's."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import pytest

from train_offline.judging.report.packages import software_of
from train_offline.judging.run.container import Image

OURS = Image("ours", "sha256:1", 1, True)
SAID = '{"python": "3.9.1", "pypi": [["NumPy", "1.2.3"], ["left-pad", "9"]], "deb": []}'


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker of two lines: it prints a file, and notes how it was called."""
    client = tmp_path / "docker"
    client.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ncat {tmp_path}/answer\n')
    client.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def test_a_process_has_this_machine_s() -> None:
    software = software_of(None)
    assert software.python == platform.python_version()
    assert software.packages["numpy"] == version("numpy")


def test_an_image_of_ours_is_asked_without_a_network(engine: Path) -> None:
    (engine / "answer").write_text(SAID)
    software = software_of(OURS)
    assert (software.python, software.packages) == ("3.9.1", {"numpy": "1.2.3"})
    assert "--network none" in (engine / "calls").read_text()


@pytest.mark.parametrize("answer", ["", "no JSON", "[]", '{"python": "3"}', '{"python": "3", "pypi": [1]}'])
def test_an_image_that_gives_no_answer_has_unknown_ones(engine: Path, answer: str) -> None:
    (engine / "answer").write_text(answer)
    assert software_of(OURS) is None


def test_a_stranger_s_image_is_not_asked(engine: Path) -> None:
    (engine / "answer").write_text(SAID)
    assert software_of(Image("theirs", "sha256:2", 1, False)) is None
    assert not (engine / "calls").exists()
