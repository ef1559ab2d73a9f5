"""The same masks, and the right owner, in every situation that judges bring about."""

from __future__ import annotations

import os
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from tests.docker.judge import Judge, docker
from tests.docker.situations import JUDGES, OWNER, SITUATIONS, Situation, filled, folder
from tests.helpers.support import random_rgb, read_masks, run_infer, write_tiff
from train_offline.commands.synthesize import main as synthesize

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three drawn ones with ice; c is cut to an odd shape."""
    folder = tmp_path_factory.mktemp("scenes")
    drawn = ["--count", "3", "--size", "256", "--seed", "5", "--ice-share", "1", "--workers", "1"]
    assert synthesize(["--output", str(folder / "data"), *drawn]) == 0
    made = folder / "image"
    made.mkdir()
    for name, path in zip("abc", sorted((folder / "data" / "image").iterdir()), strict=True):
        image = tifffile.imread(path)
        write_tiff(made / f"{name}.tif", image[:199, :130] if name == "c" else image)
    return made


@pytest.fixture(scope="module")
def plain(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The masks that the checkout makes of them."""
    output = tmp_path_factory.mktemp("plain")
    assert run_infer("--input", scenes, "--output", output, "--device", "cpu").returncode == 0
    masks = read_masks(output)
    assert sum(mask.any() for mask in masks.values()) > 1, "black masks would tell nothing"
    return masks


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a caller's folders may hold, by chance or not: each of these ends whoever loads it."""
    made = tmp_path_factory.mktemp("evil")
    made.chmod(0o755)
    for name in ("sitecustomize", "usercustomize", "numpy", "infer", "json", "torch"):
        (made / f"{name}.py").write_text("raise SystemExit('hostile')\n")
    (made / "shell").write_text("exit 99\n")
    for name in ("libz.so.1", "libstdc++.so.6"):
        (made / name).write_text("no library")
    return made


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
    judge: Judge, scenes: Path, plain: dict, evil: Path, tmp_path: Path, volume: str, situation: Situation
) -> None:
    mounted, output = place(situation, tmp_path, volume)
    inside, outside = situation.mounts
    mounts = ["--volume", f"{scenes}:{inside}:ro", "--volume", f"{mounted}:{outside}"]
    offline = [] if "--network" in situation.flags else ["--network", "none"]
    line = ["run", "--rm", *offline, *situation.words(evil), *mounts, judge.image, *situation.command]
    result = docker(*line)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    if "run 1" in str(situation.command):
        output /= "run 1"
    masks = read_masks(output)
    assert masks.keys() == plain.keys()
    for name, mask in masks.items():
        assert np.array_equal(mask, plain[name]), f"{name}: {np.count_nonzero(mask != plain[name])} pixels"
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
    judge: Judge, scenes: Path, tmp_path: Path, flags: list[str], make: object, words: list[str]
) -> None:
    make(tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    mounts = ["--volume", f"{scenes}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    result = docker("run", "--rm", "--network", "none", *flags, *mounts, judge.image)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    for word in words:
        assert word in line
    assert "--output" not in line
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_nothing_found_is_no_success(judge: Judge, scenes: Path, tmp_path: Path) -> None:
    above = tmp_path / "above"
    above.mkdir()
    (above / "images").mkdir()
    for path in scenes.iterdir():
        os.link(path, above / "images" / path.name)
    mounts = ["--volume", f"{above}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    result = docker("run", "--rm", "--network", "none", *mounts, judge.image)
    assert result.returncode == 5
    assert "3 scenes in /input/images are not looked at: mount that folder" in result.stderr


def test_masks_that_would_go_with_the_container_are_warned_of(judge: Judge, scenes: Path) -> None:
    result = docker("run", "--rm", "--network", "none", "--volume", f"{scenes}:/input:ro", judge.image)
    assert result.returncode == 0
    assert "nothing is mounted at /output" in result.stderr


def test_little_memory_gives_real_masks(judge: Judge, tmp_path: Path) -> None:
    """Two scenes of 2048² need 1.7 GB in one piece."""
    (tmp_path / "in").mkdir()
    for number in range(2):
        write_tiff(tmp_path / "in" / f"{number}.tif", random_rgb(2048, 2048, seed=number))
    whole = tmp_path / "whole"
    assert run_infer("--input", tmp_path / "in", "--output", whole, "--device", "cpu").returncode == 0
    little = ["--memory", "768m", "--memory-swap", "768m", "--network", "none"]
    mounts = ["--volume", f"{tmp_path / 'in'}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    result = docker("run", "--rm", *little, *mounts, judge.image)
    assert result.returncode == 0, result.stderr
    assert "768 MB of memory: going on with tiles of" in result.stderr
    assert "killed" not in result.stderr
    for name, mask in read_masks(tmp_path / "out").items():
        expected = cv2.imread(str(whole / name), cv2.IMREAD_UNCHANGED)
        assert np.mean(mask == expected) > 0.99


UNTOLD = """
import infer.process.limits, runpy, sys
infer.process.limits.memory = lambda: None
sys.argv = ["infer"]
runpy.run_module("infer", run_name="__main__")
"""


def test_what_the_kernel_kills_is_tried_with_half_the_tile(judge: Judge, tmp_path: Path) -> None:
    """Where the limit could not be read beforehand."""
    (tmp_path / "in").mkdir()
    write_tiff(tmp_path / "in" / "0.tif", random_rgb(2048, 2048))
    little = ["--memory", "900m", "--memory-swap", "900m", "--network", "none"]
    mounts = ["--volume", f"{tmp_path / 'in'}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    result = docker("run", "--rm", *little, *mounts, judge.image, "python", "-c", UNTOLD)
    assert result.returncode == 0, result.stderr
    assert "killed by the kernel, as memory ran out: going on with tiles of 1024 pixels" in result.stderr
    assert " 0 degraded" in result.stdout


def test_stop_is_quick_from_the_first_millisecond(judge: Judge, scenes: Path, tmp_path: Path) -> None:
    """Signals that a container's first process does not catch are lost: docker then waits, and kills."""
    (tmp_path / "many").mkdir()
    for number in range(200):
        os.link(scenes / "a.tif", tmp_path / "many" / f"{number}.tif")
    mounts = ["--volume", f"{tmp_path / 'many'}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    slow = []
    for number in range(40):
        name = f"sea-ice-stop-{uuid.uuid4().hex[:12]}"
        assert docker("create", "--name", name, "--network", "none", *mounts, judge.image).returncode == 0
        start = subprocess.Popen(["docker", "start", name], stdout=subprocess.DEVNULL)
        start.wait()
        time.sleep(number % 20 / 1000)
        began = time.monotonic()
        docker("stop", "--time", "8", name)
        seconds = time.monotonic() - began
        code = docker("inspect", "--format", "{{.State.ExitCode}}", name).stdout.strip()
        docker("rm", "--force", name)
        if seconds > 4 or code != "143":  # eight is the grace; what is between is the engine's own pace
            slow.append((number, round(seconds, 2), code))
    assert not slow


def test_the_first_process_reaps_what_others_leave(judge: Judge) -> None:
    orphans = "for i in 1 2 3; do (sleep 0.2 &) ; done; sleep 1; cat /proc/[0-9]*/stat"
    result = docker("run", "--rm", "--network", "none", judge.image, "sh", "-c", orphans)
    assert result.returncode == 0
    states = re.findall(r"^(\d+) \((.*)\) (\S)", result.stdout, re.M)
    assert len(states) >= 2
    assert not [state for state in states if state[2] == "Z"]


def test_a_run_without_a_terminal_leaves_a_trace(judge: Judge, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    first = write_tiff(tmp_path / "in" / "0.tif", random_rgb(1024, 1024))
    for number in range(1, 60):
        os.link(first, tmp_path / "in" / f"{number}.tif")
    mounts = ["--volume", f"{tmp_path / 'in'}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    run = ["run", "--detach", "--network", "none", "--cpus", "0.5", *mounts, judge.image]
    container = docker(*run).stdout.strip()
    try:
        deadline = time.monotonic() + 60
        while not (said := docker("logs", container).stderr) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert re.search(r"infer: \d+ of 60 scenes, 0 degraded, \d+\.\d+ scenes/s, 10 s", said), said
    finally:
        docker("rm", "--force", container)


def test_half_a_processor_gets_one_thread(judge: Judge, scenes: Path, tmp_path: Path) -> None:
    look = "import infer.process.limits as limits; print(limits.cpus(), limits.memory())"
    flags = ["--cpus", "0.5", "--memory", "512m", "--network", "none"]
    result = docker("run", "--rm", *flags, judge.image, "python", "-c", look)
    assert result.stdout.split() == ["1", str(512 * 2**20)], result.stderr


def test_help_names_the_docker_line_and_its_own_verbs_only(judge: Judge) -> None:
    for word in ("--help", "-h", "help"):
        result = docker("run", "--rm", "--network", "none", judge.image, word)
        assert result.returncode == 0
        assert "docker run" in result.stdout
        assert "dry-run" not in result.stdout
    assert docker("run", "--rm", "--network", "none", judge.image, "sh", "-c", "exit 7").returncode == 7
    listed = docker("run", "--rm", "--network", "none", judge.image, "infer", "--help")
    assert "--overlap" in listed.stdout


def test_an_image_that_is_never_root(judge: Judge, scenes: Path, plain: dict, tmp_path: Path) -> None:
    tag = os.environ.get("SEA_ICE_DOCKER_NEVER_ROOT")
    if not tag:
        pytest.skip("SEA_ICE_DOCKER_NEVER_ROOT names no image built with RUN_AS (.ci/run builds one)")
    folder(0, 0, 0o777)(tmp_path / "out")
    mounts = ["--volume", f"{scenes}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    result = docker("run", "--rm", "--network", "none", *mounts, tag)
    assert result.returncode == 0, result.stderr
    masks = read_masks(tmp_path / "out")
    assert all(np.array_equal(masks[name], plain[name]) for name in plain)
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


def test_unreadable_masks_of_another_user_are_replaced(judge: Judge, scenes: Path, tmp_path: Path) -> None:
    filled(999, 0o777)(tmp_path / "out")
    for path in (tmp_path / "out").iterdir():
        path.chmod(0o600)
    os.mkfifo(tmp_path / "out" / ".mask-x.part")
    mounts = ["--volume", f"{scenes}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    result = docker("run", "--rm", "--network", "none", "--user", "777:888", *mounts, judge.image, timeout=60)
    assert result.returncode == 0, result.stderr
    assert {path.stat().st_uid for path in (tmp_path / "out").glob("*.png")} == {777}


def test_told_to_stop_over_and_over_it_ends_as_if_told_once(
    judge: Judge, scenes: Path, tmp_path: Path
) -> None:
    (tmp_path / "many").mkdir()
    for number in range(200):
        os.link(scenes / "a.tif", tmp_path / "many" / f"{number}.tif")
    mounts = ["--volume", f"{tmp_path / 'many'}:/input:ro", "--volume", f"{tmp_path / 'out'}:/output"]
    for pause in (0, 0.0002, 0.001, 0.004):
        run = ["run", "--detach", "--network", "none", *mounts, judge.image]
        container = docker(*run).stdout.strip()
        shout = f"import os, time\nwhile True:\n os.kill(1, 15)\n time.sleep({pause})"
        time.sleep(0.3)
        docker("exec", container, "/opt/venv/bin/python", "-c", shout)
        assert docker("wait", container).stdout.strip() == "143"
        assert "Traceback" not in docker("logs", container).stderr
        docker("rm", "--force", container)
