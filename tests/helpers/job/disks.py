"""Real file systems of a test's own: small, broken or slow ones."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(*what: object, at: Path, lazy: bool = True) -> Iterator[Path]:
    """A real file system of its own; skips the test where mounting is not allowed.

    lazy: it may still be in use when it goes.
    """
    at.mkdir(exist_ok=True)
    result = subprocess.run(["mount", *map(str, what), str(at)], capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f"cannot mount a file system here: {result.stderr.strip()}")
    try:
        yield at
    finally:
        subprocess.run(["umount", *(["--lazy"] if lazy else []), at], check=True)


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
