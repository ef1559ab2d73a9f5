"""Images judged: ours as a process would be, strangers' with their faults."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docker.judge import Judge, docker, judged
from tests.helpers.judging.judged import SUBMISSION
from train_offline.commands import dry_run
from train_offline.commands.synthesize import main as synthesize
from train_offline.judging.run.container import TITLE

pytestmark = pytest.mark.docker

STRANGER = """FROM {image}
LABEL org.opencontainers.image.title={title}
VOLUME /scratch
USER root
COPY submission.py /submission.py
ENTRYPOINT ["python", "/submission.py", "/input", "/output", "{fault}"]
"""


@pytest.fixture
def stranger(judge: Judge, build: Callable[..., str]) -> Callable[[str], str]:
    def make(fault: str, title: str = "stranger") -> str:
        dockerfile = STRANGER.format(image=judge.image, fault=fault, title=title)
        name = fault.replace(" ", "-") or "good"
        return build(name, dockerfile, submission=SUBMISSION)

    return make


def test_our_image_and_our_process_have_the_same_masks_and_scores(judge: Judge, tmp_path: Path) -> None:
    data = tmp_path / "drawn"
    assert synthesize(["--output", str(data), "--count", "3", "--seed", "11", "--ice-share", "1"]) == 0
    (data / "train.csv").unlink()
    code, contained = judged(data, tmp_path / "r", "--image", judge.image, "--device", "cpu")
    assert code == 0, contained["findings"]
    code, plain = judged(data, tmp_path / "r", "--device", "cpu")
    assert code == 0, plain["findings"]
    assert contained["score"] == plain["score"]
    for ours, theirs in zip(plain["scenes"], contained["scenes"], strict=True):
        assert ours["mask_sha256"] == theirs["mask_sha256"]
    assert (plain["comparison"]["same"], plain["comparison"]["seconds"]) == (3, None)
    wall = contained["seconds"]["wall"]["median"]
    parts = {part["name"]: part["seconds"] for part in contained["seconds"]["parts"]}
    assert abs(sum(parts.values()) - wall) < 0.05 * wall
    assert parts["start"] > 0.02
    assert parts["imports"] > 0
    cost = contained["cost"]
    assert (cost["peak_is_of"], cost["limit_bytes"]) == ("control group", 8 * 2**30)
    assert 200e6 < cost["peak_bytes"] <= cost["limit_bytes"]
    assert max(cost["samples"]["group"]) <= cost["peak_bytes"]
    assert contained["submission"]["packages"]["numpy"]
    assert contained["cost"]["cpu_seconds"] > 0.5
    assert contained["submission"]["image"] == judge.image


def test_the_checkout_is_built_and_judged_scene_by_scene(judge: Judge, data: Path, tmp_path: Path) -> None:
    code, report = judged(data, tmp_path / "r", "--docker", "--per-scene", "--device", "cpu")
    assert code == 0, report["findings"]
    assert all(scene["seconds"] > 0.1 for scene in report["scenes"])
    assert {scene["status"] for scene in report["scenes"]} == {"ok"}


@pytest.mark.parametrize(
    ("fault", "kind", "file"),
    [
        ("missing", "missing", "s.1.png"),
        ("rgb", "mode", "s.1.png"),
        ("values", "values", "s.1.png"),
        ("size", "size", "s.1.png"),
        ("rights", "permissions", "s.1.png"),
        ("crash", "exit", ""),
        ("outside", "exit", ""),  # the root file system is read-only
        ("input", "exit", ""),  # and so is the input
    ],
)
def test_a_faulty_image_is_found_out(
    stranger: Callable[[str], str], data: Path, tmp_path: Path, fault: str, kind: str, file: str
) -> None:
    code, report = judged(data, tmp_path / "r", "--image", stranger(fault))
    assert code == 1
    assert (kind, file) in {(finding["kind"], finding["file"]) for finding in report["findings"]}


def test_an_image_of_a_stranger_that_is_in_order_passes(
    stranger: Callable[[str], str], data: Path, tmp_path: Path
) -> None:
    volumes = docker("volume", "ls", "--quiet").stdout
    code, report = judged(data, tmp_path / "r", "--image", stranger(""), "--repeat", "2")
    assert code == 0, report["findings"]
    assert docker("volume", "ls", "--quiet").stdout == volumes
    assert [part["name"] for part in report["seconds"]["parts"]] == ["start", "job"]
    assert report["submission"]["packages"] is None
    assert (report["data"]["scored"], report["notes"]) == (3, [])
    assert [variant["name"] for variant in report["variants"]] == ["default-line"]


def test_an_image_that_hangs_is_killed_and_removed(
    stranger: Callable[[str], str], data: Path, tmp_path: Path
) -> None:
    code, report = judged(data, tmp_path / "r", "--image", stranger("hang"), "--time-limit", "4")
    assert code == 1
    assert report["findings"][0]["kind"] == "time"
    assert "still waiting for the network" in report["findings"][0]["what"]
    assert "sea-ice-judge" not in docker("ps", "--all", "--format", "{{.Names}}").stdout


def test_an_image_that_only_calls_itself_ours_is_judged_all_the_same(
    stranger: Callable[..., str], data: Path, tmp_path: Path
) -> None:
    image = stranger("pipe for a report", title=TITLE)
    code, report = judged(data, tmp_path / "r", "--image", image)
    assert code == 0, report["findings"]
    assert report["submission"]["device"] is None


def test_a_temporary_folder_of_any_name_can_be_mounted(
    stranger: Callable[..., str], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / 'a:b,c "d"'
    odd.mkdir()
    for folder in (*tmp_path.parents, tmp_path):
        if folder.stat().st_uid == os.getuid() and folder.is_relative_to(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o055)  # the container is another user
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    code, report = judged(data, tmp_path / "r", "--image", stranger(""))
    assert code == 0, report["findings"]


def test_an_image_that_is_not_there_is_a_wrong_call(
    judge: Judge, data: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    arguments = ["--data", str(data), "--report-dir", str(tmp_path / "r"), "--image", "no/such:image"]
    assert dry_run.main(arguments) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "no/such:image" in line
