"""The same masks, and the right owner, in every situation that judges bring about."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.docker.judge import Judge, docker
from tests.docker.situations import JUDGES, OWNER, SITUATIONS, Situation, filled, folder
from tests.helpers.support import read_masks

pytestmark = pytest.mark.docker


@pytest.fixture
def volume() -> Iterator[str]:
    name = f"sea-ice-test-{uuid.uuid4().hex[:12]}"
    yield name
    docker("volume", "rm", "--force", name)


def place(situation: Situation, tmp_path: Path, volume: str) -> tuple[str, Path]:
    """What to mount for the masks, and where they will lie on this machine."""
    if situation.volume:
        docker("volume", "create", volume)
        return volume, Path(docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume).stdout.strip())
    output = tmp_path / "out"
    if situation.folder:
        situation.folder(output)
    return str(output), output


@pytest.mark.parametrize("situation", SITUATIONS, ids=[s.name for s in SITUATIONS])
def test_the_masks_are_those_of_a_plain_run(
    judge: Judge,
    drawn_scenes: Path,
    plain_masks: dict[str, np.ndarray],
    hostile_files: Path,
    tmp_path: Path,
    volume: str,
    situation: Situation,
) -> None:
    mounted, output = place(situation, tmp_path, volume)
    inside, outside = situation.mounts
    mounts = ["--volume", f"{drawn_scenes}:{inside}:ro", "--volume", f"{mounted}:{outside}"]
    offline = [] if "--network" in situation.flags else ["--network", "none"]
    line = [
        "run",
        "--rm",
        *offline,
        *situation.words(hostile_files),
        *mounts,
        judge.image,
        *situation.command,
    ]
    result = docker(*line)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    if "run 1" in str(situation.command):
        output /= "run 1"
    masks = read_masks(output)
    assert masks.keys() == plain_masks.keys()
    for name, mask in masks.items():
        assert np.array_equal(mask, plain_masks[name]), (
            f"{name}: {np.count_nonzero(mask != plain_masks[name])} pixels"
        )
        stat = (output / name).stat()
        if situation.owner:
            assert (stat.st_uid, stat.st_gid) == situation.owner


WHO = "cat /proc/self/status"


@pytest.mark.parametrize(("make", "user"), [(folder(0, 0, 0o755), 0), (JUDGES, OWNER)])
def test_nothing_runs_with_rights(judge: Judge, tmp_path: Path, make: object, user: int) -> None:
    make(tmp_path / "out")
    mount = ["--volume", f"{tmp_path / 'out'}:/output"]
    result = docker("run", "--rm", "--network", "none", *mount, judge.image, "sh", "-c", WHO)
    status = dict(line.split(":\t", 1) for line in result.stdout.splitlines() if ":\t" in line)
    assert status["Uid"].split() == [str(user)] * 4
    assert {status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert set(status["Groups"].split()) <= {"0"} if not user else not status["Groups"].split()


@pytest.mark.parametrize(
    ("flags", "make", "words"),
    [
        (["--user", "777:888"], folder(0, 0, 0o755), ["user 777", "--user", "chmod"]),
        (["--cap-drop", "ALL"], JUDGES, ["user 0", "--user", "chmod"]),
        (["--user", "777:888"], filled(999, 0o1777), ["user 777", "user 999", "remove the old masks"]),
    ],
)
def test_where_it_cannot_write_it_says_what_the_judge_can_do(
    judge: Judge, drawn_scenes: Path, tmp_path: Path, flags: list[str], make: object, words: list[str]
) -> None:
    make(tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    mounts = ["--volume", f"{drawn_scenes}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    result = docker("run", "--rm", "--network", "none", *flags, *mounts, judge.image)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    for word in words:
        assert word in line
    assert "--output" not in line
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_an_image_that_is_never_root(
    judge: Judge, drawn_scenes: Path, plain_masks: dict[str, np.ndarray], tmp_path: Path
) -> None:
    tag = os.environ.get("SEA_ICE_DOCKER_NEVER_ROOT")
    if not tag:
        pytest.skip("SEA_ICE_DOCKER_NEVER_ROOT names no image built with RUN_AS (.ci/run builds one)")
    folder(0, 0, 0o777)(tmp_path / "out")
    mounts = ["--volume", f"{drawn_scenes}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    result = docker("run", "--rm", "--network", "none", *mounts, tag)
    assert result.returncode == 0, result.stderr
    masks = read_masks(tmp_path / "out")
    assert all(np.array_equal(masks[name], plain_masks[name]) for name in plain_masks)
    assert {(path.stat().st_uid, path.stat().st_gid) for path in (tmp_path / "out").iterdir()} == {
        (65532, 65532)
    }


def test_no_variable_keeps_root(judge: Judge, tmp_path: Path) -> None:
    JUDGES(tmp_path / "out")
    mount = ["--volume", f"{tmp_path / 'out'}:/output"]
    for variable in ("EUID=1000", "EUID=junk", "UID=1000", "AS=x", "CHILD=1", "SIGNALLED=TERM", "IFS=/"):
        run = ["run", "--rm", "--network", "none", "--env", variable, *mount, judge.image]
        result = docker(*run, "sh", "-c", WHO)
        assert f"Uid:\t{OWNER}\t{OWNER}" in result.stdout, (variable, result.stderr)


def test_unreadable_masks_of_another_user_are_replaced(
    judge: Judge, drawn_scenes: Path, tmp_path: Path
) -> None:
    filled(999, 0o777)(tmp_path / "out")
    for path in (tmp_path / "out").iterdir():
        path.chmod(0o600)
    os.mkfifo(tmp_path / "out" / ".mask-x.part")
    mounts = ["--volume", f"{drawn_scenes}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    result = docker("run", "--rm", "--network", "none", "--user", "777:888", *mounts, judge.image, timeout=60)
    assert result.returncode == 0, result.stderr
    assert {path.stat().st_uid for path in (tmp_path / "out").glob("*.png")} == {777}
