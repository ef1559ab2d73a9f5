"""Faults of what surrounds a run, at many moments: no mask is lost that could be kept, none is half there."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import numpy as np
import psutil
import pytest

from infer.write.mask_writer import PREFIX, SUFFIX
from tests.helpers.support import REPO, random_rgb, read_masks, run_infer, write_tiff

SCENES = 40
KILLS, FULL_DISKS = 50, 20


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("in")
    for i in range(SCENES):
        write_tiff(folder / f"{i:02}.tif", random_rgb(128, 160, seed=i))
    return folder


@pytest.fixture(scope="module")
def undisturbed(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    out = tmp_path_factory.mktemp("whole")
    assert run_infer("--input", scenes, "--output", out).returncode == 0
    return read_masks(out)


@contextmanager
def mounted(*what: object, at: Path) -> Iterator[Path]:
    """A real file system of its own; skips the test where mounting is not allowed."""
    at.mkdir(exist_ok=True)
    result = subprocess.run(["mount", *map(str, what), str(at)], capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f"cannot mount a file system here: {result.stderr.strip()}")
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", at], check=True)


def same(masks: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> bool:
    return masks.keys() == expected.keys() and all(np.array_equal(masks[n], expected[n]) for n in masks)


def whole_masks(out: Path) -> dict[str, np.ndarray]:
    """Like read_masks, while temporary files may lie about."""
    looked = out.with_name(f"{out.name}-looked-at")
    shutil.rmtree(looked, ignore_errors=True)
    shutil.copytree(out, looked, ignore=shutil.ignore_patterns(f"{PREFIX}*{SUFFIX}"))
    return read_masks(looked)


def kill(process: subprocess.Popen) -> None:
    """And wait for its child, which dies a moment after it and may stay a zombie: nobody reaps orphans."""
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children()
        process.kill()
        for child in children:
            while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.01)


def test_killed_at_random_moments_and_resumed_it_ends_like_an_undisturbed_run(
    scenes: Path, undisturbed: dict[str, np.ndarray], tmp_path: Path
) -> None:
    began = time.monotonic()
    assert run_infer("--input", scenes, "--output", tmp_path / "timed").returncode == 0
    whole_run = time.monotonic() - began
    moments, kills, half_done = random.Random(6), 0, 0
    for trial in count():
        out = tmp_path / f"out{trial}"
        while kills < KILLS:
            command = [sys.executable, "-m", "infer", "--input", scenes, "--output", out, "--resume"]
            command += ["--batch", "2"]  # else all scenes go through together, and their masks come at once
            with subprocess.Popen(
                command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            ) as process:
                try:
                    process.wait(whole_run * moments.uniform(0.2, 1.1))
                    break
                except subprocess.TimeoutExpired:
                    kill(process)
            kills += 1
            masks = whole_masks(out) if out.exists() else {}
            half_done += 0 < len(masks) < SCENES
            assert all(np.array_equal(mask, undisturbed[name]) for name, mask in masks.items())
        result = run_infer("--input", scenes, "--output", out, "--resume")
        assert (result.returncode, result.stderr) == (0, "")
        assert same(read_masks(out), undisturbed)  # which finds no temporary file either
        if kills == KILLS:
            break
    assert half_done > 0


def test_a_disk_that_is_full_at_any_point_keeps_whole_masks_and_resume_makes_the_rest(
    scenes: Path, undisturbed: dict[str, np.ndarray], tmp_path: Path
) -> None:
    pages, seen = random.Random(7), set()
    for trial in range(FULL_DISKS):
        size = pages.randint(2, 2 * SCENES) * 4096 // 2
        with mounted("-t", "tmpfs", "-o", f"size={size}", "tmpfs", at=tmp_path / f"o{trial}") as out:
            result = run_infer("--input", scenes, "--output", out)
            masks = read_masks(out)
            assert result.returncode == (0 if len(masks) == SCENES else 4), result.stderr
            assert all(np.array_equal(mask, undisturbed[name]) for name, mask in masks.items())
            seen.add(len(masks))
            subprocess.run(["mount", "-o", "remount,size=8m", out], check=True)
            assert run_infer("--input", scenes, "--output", out, "--resume").returncode == 0
            assert same(read_masks(out), undisturbed)
    assert len(seen) > FULL_DISKS // 3


def test_no_room_for_more_files_is_said_like_a_full_disk(scenes: Path, tmp_path: Path) -> None:
    with mounted("-t", "tmpfs", "-o", "nr_inodes=12", "tmpfs", at=tmp_path / "o") as out:
        result = run_infer("--input", scenes, "--output", out)
        assert result.returncode == 4
        assert "No space left on device" in result.stderr
        assert 0 < len(read_masks(out)) < SCENES


@contextmanager
def broken_disk(folder: Path, content: Path | None, keep: int) -> Iterator[Path]:
    """A real ext4 without its blocks beyond the first `keep` bytes: the kernel gives EIO for them."""
    folder.mkdir()
    image = folder / "image"
    with open(image, "wb") as file:
        file.truncate(16 * 2**20)
    options = ["-d", str(content)] if content else []
    made = subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", *options, image], capture_output=True)
    if made.returncode:
        pytest.skip("no mkfs.ext4 here")
    with mounted("-o", "loop", image, at=folder / "disk") as disk:
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3")
        os.truncate(image, keep)
        yield disk


def test_an_input_disk_with_unreadable_blocks_costs_the_scenes_on_them(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(8):
        write_tiff(folder / f"{i}.tif", random_rgb(512, 512, seed=i), compression=None, predictor=False)
    with broken_disk(tmp_path / "d", folder, 6 * 2**20) as disk:
        result = run_infer("--input", disk, "--output", tmp_path / "o")
    masks = read_masks(tmp_path / "o")
    assert result.returncode == 0, result.stderr
    assert len(masks) == 8
    assert "Input/output error" in result.stderr
    assert 0 < result.stderr.count("its mask is black") < 8
    assert "Traceback" not in result.stderr


def test_an_output_disk_that_fails_is_exit_4_or_a_wrong_call_in_plain_words(
    scenes: Path, undisturbed: dict[str, np.ndarray], tmp_path: Path
) -> None:
    with broken_disk(tmp_path / "d", None, 2**20) as disk:
        result = run_infer("--input", scenes, "--output", disk / "o")
    assert result.returncode in (2, 4), result.stderr
    assert "error" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_quota_that_is_used_up_is_said_like_a_full_disk(
    scenes: Path, undisturbed: dict[str, np.ndarray], tmp_path: Path
) -> None:
    with open(tmp_path / "image", "wb") as file:
        file.truncate(256 * 2**20)
    if subprocess.run(["sh", "-c", f"mkfs.btrfs -q {tmp_path / 'image'}"], capture_output=True).returncode:
        pytest.skip("no mkfs.btrfs here")
    with mounted("-o", "loop", tmp_path / "image", at=tmp_path / "disk") as disk:
        for step in ("subvolume create {}/o", "quota enable {}", "qgroup limit 150k {}/o"):
            subprocess.run(["btrfs", *step.format(disk).split()], check=True, capture_output=True)
        result = run_infer("--input", scenes, "--output", disk / "o")
        assert result.returncode == 4, result.stderr
        assert "quota" in result.stderr
        masks = read_masks(disk / "o")
        assert len(masks) < SCENES
        assert all(np.array_equal(mask, undisturbed[name]) for name, mask in masks.items())
        subprocess.run(["btrfs", "qgroup", "limit", "none", disk / "o"], check=True)
        assert run_infer("--input", scenes, "--output", disk / "o", "--resume").returncode == 0
        assert same(read_masks(disk / "o"), undisturbed)


BLKIO = Path("/sys/fs/cgroup/blkio")


@contextmanager
def slow_disk(folder: Path, content: Path, bytes_per_second: int) -> Iterator[tuple[Path, Path]]:
    """A real ext4 that writes at once, and the control group whose processes it serves slowly."""
    folder.mkdir()
    group = BLKIO / f"slow-{os.getpid()}"
    with open(folder / "image", "wb") as file:
        file.truncate(32 * 2**20)
    try:
        group.mkdir()
        subprocess.run(["mkfs.ext4", "-q", "-d", content, folder / "image"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot slow a disk down here: {error}")
    try:
        with mounted("-o", "loop,sync", folder / "image", at=folder / "disk") as disk:
            device = os.stat(disk).st_dev
            limit = f"{os.major(device)}:{os.minor(device)} {bytes_per_second}"
            for way in ("read", "write"):
                (group / f"blkio.throttle.{way}_bps_device").write_text(limit)
            Path("/proc/sys/vm/drop_caches").write_text("3")
            yield disk, group
    finally:
        group.rmdir()


def test_a_slow_disk_costs_time_only_and_a_signal_is_obeyed(
    scenes: Path, undisturbed: dict[str, np.ndarray], tmp_path: Path
) -> None:
    folder = tmp_path / "content"
    shutil.copytree(scenes, folder / "in")
    with slow_disk(tmp_path / "d", folder, 300_000) as (disk, group):
        command = [sys.executable, "-m", "infer", "--input", disk / "in", "--output", disk / "o", "--resume"]

        def join() -> None:
            (group / "cgroup.procs").write_text(str(os.getpid()))

        with subprocess.Popen(command, cwd=REPO, preexec_fn=join, stderr=subprocess.PIPE) as process:
            time.sleep(4)
            assert process.poll() is None  # some 2.5 MB cannot be read yet
            process.terminate()
            assert process.wait(5) == 143
        whole_masks(disk / "o")
        result = subprocess.run(command, cwd=REPO, preexec_fn=join, capture_output=True, timeout=120)
        assert (result.returncode, result.stderr) == (0, b"")
        assert same(read_masks(disk / "o"), undisturbed)


def test_an_output_folder_that_vanishes_is_exit_4(scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    command = [sys.executable, "-m", "infer", "--input", scenes, "--output", out]
    with subprocess.Popen(
        command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None and not (out.is_dir() and any(out.glob("*.png"))):
            time.sleep(0.005)
        moved = out.rename(tmp_path / "moved")
        _, said = process.communicate(timeout=120)
    if process.returncode == 0:
        pytest.skip("the run was faster than the fault")
    assert process.returncode == 4
    assert "Traceback" not in said
    whole_masks(moved)


def test_two_runs_at_once_on_one_output_folder(
    scenes: Path, undisturbed: dict[str, np.ndarray], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "infer", "--input", scenes, "--output", tmp_path / "o"]
    for _ in range(3):
        runs = [subprocess.Popen(command, cwd=REPO, stdout=subprocess.DEVNULL) for _ in range(2)]
        assert [run.wait(timeout=120) for run in runs] == [0, 0]
        assert same(read_masks(tmp_path / "o"), undisturbed)


def test_without_any_network(scenes: Path, undisturbed: dict[str, np.ndarray], tmp_path: Path) -> None:
    command = [
        "unshare",
        "--net",
        sys.executable,
        "-m",
        "infer",
        "--input",
        scenes,
        "--output",
        tmp_path / "o",
    ]
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode:
        pytest.skip("no network namespaces here")
    assert subprocess.run(command, cwd=REPO, capture_output=True, timeout=120).returncode == 0
    assert same(read_masks(tmp_path / "o"), undisturbed)


HOG = """
import sys, time, torch
free, _ = torch.cuda.mem_get_info()
taken = torch.empty(max(0, free - int(sys.argv[1])), dtype=torch.uint8, device="cuda")
print("full", flush=True)
time.sleep(600)
"""


@pytest.mark.gpu
@pytest.mark.parametrize("megabytes", [50, 400, 1500])
def test_a_gpu_that_another_program_has_filled(
    scenes: Path, undisturbed: dict[str, np.ndarray], tmp_path: Path, megabytes: int
) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    hog = subprocess.Popen(
        [sys.executable, "-c", HOG, str(megabytes * 2**20)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert hog.stdout.readline() == "full\n"
        result = run_infer("--input", scenes, "--output", tmp_path / "o")
    finally:
        hog.kill()
        hog.wait()
    assert result.returncode == 0, result.stderr
    masks = read_masks(tmp_path / "o")
    assert masks.keys() == undisturbed.keys()
    equal = [np.mean(masks[name] == undisturbed[name]) for name in masks]
    assert np.mean(equal) > 0.999
