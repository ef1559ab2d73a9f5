"""Kills and disks that fail, at many moments: no mask is lost that could be kept, none is half there."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.helpers.job.disks import broken_disk, mounted, slow_disk
from tests.helpers.job.masks import same_masks, whole_masks
from tests.helpers.support import REPO, job, random_rgb, read_masks, run_infer, write_tiff

SCENES = 40  # of the folder forty_scenes
KILLS, FULL_DISKS = 50, 20


def kill(process: subprocess.Popen[bytes]) -> None:
    """And wait for its child, which dies a moment after it and may stay a zombie: nobody reaps orphans."""
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children()
        process.kill()
        for child in children:
            while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.01)


def test_killed_at_random_moments_and_resumed_it_ends_like_an_undisturbed_run(
    forty_scenes: Path, undisturbed_masks: dict[str, np.ndarray], tmp_path: Path
) -> None:
    began = time.monotonic()
    assert run_infer("--input", forty_scenes, "--output", tmp_path / "timed").returncode == 0
    whole_run = time.monotonic() - began
    moments, kills, half_done = random.Random(6), 0, 0
    for trial in count():
        out = tmp_path / f"out{trial}"
        while kills < KILLS:
            command = job(forty_scenes, out, "--resume")
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
            assert all(np.array_equal(mask, undisturbed_masks[name]) for name, mask in masks.items())
        result = run_infer("--input", forty_scenes, "--output", out, "--resume")
        assert (result.returncode, result.stderr) == (0, "")
        assert same_masks(read_masks(out), undisturbed_masks)  # which finds no temporary file either
        if kills == KILLS:
            break
    assert half_done > 0


def test_a_disk_that_is_full_at_any_point_keeps_whole_masks_and_resume_makes_the_rest(
    forty_scenes: Path, undisturbed_masks: dict[str, np.ndarray], tmp_path: Path
) -> None:
    pages, seen = random.Random(7), set()
    for trial in range(FULL_DISKS):
        size = pages.randint(2, 2 * SCENES) * 4096 // 2
        with mounted("-t", "tmpfs", "-o", f"size={size}", "tmpfs", at=tmp_path / f"o{trial}") as out:
            result = run_infer("--input", forty_scenes, "--output", out)
            masks = read_masks(out)
            assert result.returncode == (0 if len(masks) == SCENES else 4), result.stderr
            assert all(np.array_equal(mask, undisturbed_masks[name]) for name, mask in masks.items())
            seen.add(len(masks))
            subprocess.run(["mount", "-o", "remount,size=8m", out], check=True)
            assert run_infer("--input", forty_scenes, "--output", out, "--resume").returncode == 0
            assert same_masks(read_masks(out), undisturbed_masks)
    assert len(seen) > FULL_DISKS // 3


def test_no_room_for_more_files_is_said_like_a_full_disk(forty_scenes: Path, tmp_path: Path) -> None:
    with mounted("-t", "tmpfs", "-o", "nr_inodes=12", "tmpfs", at=tmp_path / "o") as out:
        result = run_infer("--input", forty_scenes, "--output", out)
        assert result.returncode == 4
        assert "No space left on device" in result.stderr
        assert 0 < len(read_masks(out)) < SCENES


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
    forty_scenes: Path, undisturbed_masks: dict[str, np.ndarray], tmp_path: Path
) -> None:
    with broken_disk(tmp_path / "d", None, 2**20) as disk:
        result = run_infer("--input", forty_scenes, "--output", disk / "o")
    assert result.returncode in (2, 4), result.stderr
    assert "error" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_quota_that_is_used_up_is_said_like_a_full_disk(
    forty_scenes: Path, undisturbed_masks: dict[str, np.ndarray], tmp_path: Path
) -> None:
    with open(tmp_path / "image", "wb") as file:
        file.truncate(256 * 2**20)
    if subprocess.run(["sh", "-c", f"mkfs.btrfs -q {tmp_path / 'image'}"], capture_output=True).returncode:
        pytest.skip("no mkfs.btrfs here")
    with mounted("-o", "loop", tmp_path / "image", at=tmp_path / "disk") as disk:
        for step in ("subvolume create {}/o", "quota enable {}", "qgroup limit 150k {}/o"):
            subprocess.run(["btrfs", *step.format(disk).split()], check=True, capture_output=True)
        result = run_infer("--input", forty_scenes, "--output", disk / "o")
        assert result.returncode == 4, result.stderr
        assert "quota" in result.stderr
        masks = read_masks(disk / "o")
        assert len(masks) < SCENES
        assert all(np.array_equal(mask, undisturbed_masks[name]) for name, mask in masks.items())
        subprocess.run(["btrfs", "qgroup", "limit", "none", disk / "o"], check=True)
        assert run_infer("--input", forty_scenes, "--output", disk / "o", "--resume").returncode == 0
        assert same_masks(read_masks(disk / "o"), undisturbed_masks)


def test_a_slow_disk_costs_time_only_and_a_signal_is_obeyed(
    forty_scenes: Path, undisturbed_masks: dict[str, np.ndarray], tmp_path: Path
) -> None:
    folder = tmp_path / "content"
    shutil.copytree(forty_scenes, folder / "in")
    with slow_disk(tmp_path / "d", folder, 300_000) as (disk, group):
        command = job(disk / "in", disk / "o", "--resume")

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
        assert same_masks(read_masks(disk / "o"), undisturbed_masks)
