"""The judge's plain line and the hard limits, on small images that bring their masks along."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.docker.judge import docker, judged
from train_offline.judging.run.container import find_image
from train_offline.judging.run.variants import remove

pytestmark = pytest.mark.docker

Copies = Callable[..., str]


def scenes_of(data: Path) -> list[Path]:
    return sorted((data / "image").iterdir())


def kinds(found: dict[str, Any]) -> list[str]:
    return [finding["kind"] for finding in found["findings"]]


def test_an_image_that_runs_as_root_passes_in_every_way(copies: Copies, data: Path, tmp_path: Path) -> None:
    image = copies("root", scenes_of(data))
    code, report = judged(data, tmp_path / "r", "--image", image, "--hard")
    assert code == 0, report["findings"]
    plain, hard = report["variants"]
    assert (plain["name"], plain["exit_code"], plain["passed"]) == ("default-line", 0, True)
    assert (hard["name"], hard["exit_code"], hard["passed"]) == ("hard", 0, True)
    assert plain["seconds"] > 0.05
    assert "--user" not in plain["command"]
    assert len(report["seconds"]["wall"]["runs"]) == 1


def test_a_user_who_cannot_write_to_what_docker_makes_fails_by_the_plain_line(
    copies: Copies, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for folder in (scratch, *tmp_path.parents, tmp_path):
        if folder.is_relative_to(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o055)  # the container is another user
    image = copies("somebody", scenes_of(data), more="USER 65532:65532")
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    code, report = judged(data, tmp_path / "r", "--image", image)
    assert (code, kinds(report)) == (1, ["default-line"])
    assert report["variants"][0]["exit_code"] == 1
    assert "Permission denied" in report["findings"][0]["what"]
    assert "start as root" in report["findings"][0]["fix"]
    assert list(scratch.iterdir()) == []
    assert "default-line FAILED after" in capfd.readouterr().out


def test_masks_that_depend_on_the_user_are_found(copies: Copies, data: Path, tmp_path: Path) -> None:
    swap = "if [ $(id -u) = 0 ]; then rm /masks/s.0.png; fi"
    code, report = judged(data, tmp_path / "r", "--image", copies("moody", scenes_of(data), swap))
    assert (code, kinds(report)) == (1, ["default-line"])
    assert report["findings"][0]["file"] == "s.0.png"


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("two-gigabytes", "dd if=/dev/zero of=/dev/null bs=2G count=1 iflag=fullblock"),
        ("temporary", "echo x >/tmp/x"),
    ],
)
def test_hard_limits_catch_what_a_strict_judge_lets_pass(
    copies: Copies, data: Path, tmp_path: Path, name: str, command: str
) -> None:
    image = copies(name, scenes_of(data), command)
    code, report = judged(data, tmp_path / "r", "--image", image, "--hard")
    assert (code, kinds(report)) == (1, ["hard"]), report["findings"]
    assert judged(data, tmp_path / "r", "--image", image)[0] == 0


def test_without_masks_of_the_strict_run_there_is_nothing_to_play(
    copies: Copies, data: Path, tmp_path: Path
) -> None:
    code, report = judged(data, tmp_path / "r", "--image", copies("none", []))
    assert (code, report["variants"]) == (1, [])
    assert "no masks to compare with" in report["notes"][-1]


def test_what_we_may_not_remove_is_removed_from_a_container_or_told(
    base: str, build: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    (tmp_path / "nothing").touch()
    empty = build("empty", "FROM scratch\nCOPY nothing /\n", nothing=tmp_path / "nothing")
    folder = tmp_path / "masks"
    folder.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)  # as for a user who is not root
        remove(folder, find_image(empty))
        assert folder.exists()
        (line,) = capfd.readouterr().err.splitlines()
        assert f"{folder} is root's and stays" in line
        remove(folder, find_image(base))
    assert not folder.exists()
    assert capfd.readouterr().err == ""
    assert "sweep" not in docker("ps", "--all").stdout
